import { getEventListeners } from 'node:events';
import { readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { randomPort } from '../../src/testing/redis/random-port.ts';
import type { CommandResult } from '../support/command-line.ts';
import { newKeysFile } from '../support/encryption-keys.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage, unknownId } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { useFolder } from '../support/use-folder.ts';
import { useRedis } from '../support/use-redis.ts';

/** Beside connections at Redis: what would keep a process alive. Whoever tries to connect has a timer. */
const KINDS = ['TCPSocketWrap', 'TCPServerWrap', 'TLSWrap', 'Timeout'];

const commands = [
  'status',
  'status --json',
  `message ${unknownId}`,
  `cancel ${unknownId}`,
  'dead-letters list',
  `dead-letters show ${unknownId}`,
  'dead-letters replay --all',
  'dead-letters discard --all --yes',
  'dead-letters export',
  'hold --all',
  'release --all',
  'limits set --rate 5/s',
  'limits show',
  'send',
  'reshard 1',
];
/** They end when they are interrupted. */
const lasting = ['status --watch', 'console', 'fake-api'];

// One after the other: what is open is counted.
describe('a command in a process that goes on leaves nothing open', () => {
  const server = useRedis();
  const folder = useFolder();
  const message = JSON.stringify(textMessage('c1', 1));

  async function openNow(): Promise<number[]> {
    const [, connections] = /^connected_clients:(\d+)/m.exec(await server.redis.info('clients')) ?? [];
    const resources = process.getActiveResourcesInfo();
    return [Number(connections), ...KINDS.map((kind) => resources.filter((one) => one === kind).length)];
  }

  async function expectNothingLeft(start: () => Promise<CommandResult>[], exitCodes: number[]): Promise<void> {
    const before = await openNow();
    for (const { exitCode } of await Promise.all(start())) expect(exitCodes).toContain(exitCode);
    await eventually('what was opened has ended', async () => {
      const after = await openNow();
      return after.every((count, index) => count <= (before[index] ?? 0));
    });
  }

  it.each(commands)('%s', async (command) => {
    const { signal } = new AbortController();
    await expectNothingLeft(() => [runCommand(command.split(' '), { REDIS_URL: server.url }, message, signal)], [0, 1]);
    // Whoever runs many commands may have one signal for all.
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('all of them, without Redis', async () => {
    const away = { REDIS_URL: `redis://127.0.0.1:${randomPort()}` };
    await expectNothingLeft(() => commands.map((command) => runCommand(command.split(' '), away, message)), [3]);
  });

  it.each(lasting)('%s, interrupted', async (command) => {
    const env = { REDIS_URL: server.url, KITECHAT_HTTP_PORT: '0' };
    const interrupted = AbortSignal.abort('SIGTERM');
    await expectNothingLeft(() => [runCommand(command.split(' '), env, '', interrupted)], [0]);
  });

  it('send, of a file, when its configuration is wrong', async () => {
    const file = join(folder, 'messages.ndjson');
    await writeFile(file, `${message}\n`);
    const { path } = newKeysFile('nonsense');
    const { exitCode } = await runCommand(['send', file], {
      REDIS_URL: server.url,
      KITECHAT_ENCRYPTION_KEYS_FILE: path,
    });
    expect(exitCode).toBe(2);
    const descriptors = await readdir('/proc/self/fd');
    const open = await Promise.all(
      descriptors.map(async (fd) => await readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    );
    expect(open).not.toContain(file);
  });
});
