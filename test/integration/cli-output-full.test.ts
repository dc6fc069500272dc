import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { environment, main } from '../support/command-line.ts';
import { useRedis } from '../support/use-redis.ts';

/** Runs a command whose stdout is a device without space. */
async function runOnFullDevice(args: readonly string[], redisUrl: string) {
  const full = openSync('/dev/full', 'w');
  const command = spawn(process.execPath, [main, ...args], {
    env: environment({ REDIS_URL: redisUrl }),
    stdio: ['ignore', full, 'pipe'],
  });
  closeSync(full);
  const ended = once(command, 'exit') as Promise<[number | null]>;
  const [stderr, [exitCode]] = await Promise.all([command.stderr ? text(command.stderr) : '', ended]);
  return { exitCode, said: stderr.split('\n').filter((line) => line !== '' && !line.startsWith('Redis: ')) };
}

describe.concurrent('a command whose output can not be written', () => {
  const used = useRedis();

  it.each([['status'], ['status --json'], ['limits show'], ['hold --all'], ['--help'], ['--version']])(
    '%s says so, and exits 1',
    async (command) => {
      const { exitCode, said } = await runOnFullDevice(command.split(' '), used.url);
      expect(said).toContain("the output can't be written (ENOSPC)");
      expect(exitCode).toBe(1);
    },
  );
});
