import { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { createLogger } from '../../src/shared/logging/logger.ts';
import { createWorker } from '../../src/worker/index.ts';
import { eventually } from '../support/eventually.ts';
import { startTestRedis } from '../support/redis.ts';
import { readableLogger } from '../unit/worker/log-lines.ts';

const SHUTDOWN_MS = 1000;

describe('the start of a worker', () => {
  it('ends within its shutdown time when it is closed, although Redis has stopped answering', async () => {
    await using server = await startTestRedis();
    const { promise: hung, resolve: hang } = Promise.withResolvers<void>();
    const worker = createWorker({
      redisUrl: server.url,
      namespace: 'start',
      apiUrl: 'http://127.0.0.1:1',
      apiKey: 'key',
      shutdownMs: SHUTDOWN_MS,
      logger: createLogger({
        level: 'warn',
        // The worker says this right after it has connected.
        destination: { write: (line) => void (line.includes('no AOF') && server.pause().then(hang)) },
      }),
    });
    const running = worker.run();
    await hung;
    const startedAt = performance.now();
    await worker.close();
    expect(performance.now() - startedAt).toBeLessThan(2 * SHUTDOWN_MS);
    await running;
    await server.resume();
  });

  it('that fails, because a right is missing, leaves no periodic task behind, and does not say that the worker waits', async () => {
    await using server = await startTestRedis();
    const admin = new Redis(server.url);
    // All keys but the circuits, which a worker reads last.
    const keys = ['~{start:0}:*', '~{start}:*', '~{start:fleet}:limits', '~{start:fleet}:asks', '~{start:fleet}:-'];
    await admin.call('ACL', 'SETUSER', 'worker', 'on', 'nopass', ...keys, '&*', '+@all');
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const { logger, lines } = readableLogger();
    const worker = createWorker({
      redisUrl: server.url.replace('://', '://worker:any@'),
      namespace: 'start',
      apiUrl: 'http://127.0.0.1:1',
      apiKey: 'key',
      logger,
    });
    await expect(worker.run()).rejects.toThrow(/lacks a right/);
    const clients = async (): Promise<string> => (await admin.call('CLIENT', 'LIST')) as string;
    await eventually('its connections are closed', async () => !(await clients()).includes('user=worker'));
    admin.disconnect();
    await eventually('no timer is left', () => timers() <= before);
    expect(lines.filter((line) => line.includes('waits for it'))).toEqual([]);
  });

  it('is tried again when Redis is busy in the middle of it', async () => {
    await using server = await startTestRedis();
    const admin = new Redis(server.url);
    await admin.config('SET', 'busy-reply-threshold', '1');
    const busyMs = 300;
    const loop = `local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end
      local from = now() while now() - from < ${busyMs} do end`;
    const beBusyOnce = vi.fn<() => void>().mockImplementationOnce(() => void admin.eval(loop, 0));
    const worker = createWorker({
      redisUrl: server.url,
      namespace: 'start',
      apiUrl: 'http://127.0.0.1:1',
      apiKey: 'key',
      logger: createLogger({
        level: 'debug',
        // The worker says this while it starts, after its first report to the fleet.
        destination: { write: (line) => void (line.includes('leads the shard') && beBusyOnce()) },
      }),
    });
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    worker.on('ready', resolve);
    const running = worker.run();
    await Promise.race([ready, running]);
    expect(worker.health().phase).toBe('taking');
    await worker.close();
    await running;
    admin.disconnect();
  });
});
