import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CommandProcess, startCommand } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { startTestRedis } from '../support/redis.ts';
import { useFolder } from '../support/use-folder.ts';

const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
const check = /^HEALTHCHECK[^\n]*\\\n +CMD (.*)$/m.exec(dockerfile)?.[1] ?? '';

/** What a container with 128 MiB and a tenth of a processor can spare. */
const MEMORY_BYTES = 40 * 1_048_576;
const PROCESSOR_MS = 50;

interface Checked {
  isHealthy: boolean;
  said: string;
  processorMs: number;
}

/** Runs the check as Docker does, with little memory, and adds up the processor time of the shell and its programs. */
function runCheck(file: string): Checked {
  const script = `(${check}); code=$?; times; exit $code`;
  const { status, stdout } = spawnSync('prlimit', [`--as=${MEMORY_BYTES}`, 'sh', '-c', script], {
    env: { PATH: process.env['PATH'] ?? '', KITECHAT_HEARTBEAT_FILE: file },
    encoding: 'utf8',
  });
  const times = [...stdout.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  expect(times).toHaveLength(4);
  const seconds = times.reduce((sum, time) => sum + time, 0);
  return { isHealthy: status === 0, said: stdout.split('\n').slice(0, -3).join('\n'), processorMs: seconds * 1000 };
}

function failureOf(file: string): Checked | null {
  const checked = runCheck(file);
  return checked.isHealthy ? null : checked;
}

describe.concurrent('the health check of a container', () => {
  const folder = useFolder();

  async function startHealthy(name: string, redisUrl: string): Promise<{ worker: CommandProcess; file: string }> {
    const file = join(folder, name);
    expect(runCheck(file)).toMatchObject({ isHealthy: false, said: 'no recent report to the fleet' });
    const worker = startCommand(['worker'], {
      REDIS_URL: redisUrl,
      KITECHAT_API_KEY: 'key',
      KITECHAT_HEARTBEAT_FILE: file,
    });
    await eventually('the check passes', () => runCheck(file).isHealthy);
    return { worker, file };
  }

  it('costs next to nothing', async () => {
    await using redis = await startTestRedis();
    const { worker, file } = await startHealthy('costs', redis.url);
    await using _worker = worker;
    const checks = Array.from({ length: 10 }, () => runCheck(file));
    expect(checks.every(({ isHealthy, said }) => isHealthy && said === '')).toBe(true);
    expect(Math.min(...checks.map(({ processorMs }) => processorMs))).toBeLessThan(PROCESSOR_MS);
    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
  });

  it('fails soon after the worker stands still', async () => {
    await using redis = await startTestRedis();
    const { worker, file } = await startHealthy('stands-still', redis.url);
    await using _worker = worker;
    worker.kill('SIGSTOP');
    const failed = await eventually('the check fails', () => failureOf(file), 60_000);
    expect(failed.said).toBe('no recent report to the fleet');
    worker.kill('SIGCONT');
    await eventually('the check passes again', () => runCheck(file).isHealthy, 60_000);
  });

  it('fails while Redis is away, since nothing is sent then, and passes when it is back', async () => {
    await using redis = await startTestRedis({ appendOnly: true });
    const { worker, file } = await startHealthy('away', redis.url);
    await using _worker = worker;
    await redis.kill();
    const failed = await eventually('the check fails', () => failureOf(file), 60_000);
    expect(failed.said).toBe('no recent report to the fleet');
    await redis.restart();
    await eventually('the check passes again', () => runCheck(file).isHealthy, 60_000);
  });

  it('does not keep a worker from sending when the file can not be written', async () => {
    await using redis = await startTestRedis();
    await using worker = startCommand(['worker'], {
      REDIS_URL: redis.url,
      KITECHAT_API_KEY: 'key',
      KITECHAT_HEARTBEAT_FILE: join(folder, 'no-such-folder', 'file'),
    });
    const line = await worker.lineWhere('stdout', (text) => text.includes('KITECHAT_HEARTBEAT_FILE'));
    expect(JSON.parse(line)).toMatchObject({ level: 'warn', err: { code: 'ENOENT' } });
    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
  });
});
