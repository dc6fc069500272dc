import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/shared/logger.ts';
import { createWorker } from '../../src/worker/index.ts';
import { startTestRedis } from '../support/redis.ts';

const SHUTDOWN_MS = 1000;

describe('a worker that does not get to its work', () => {
  it('because it is closed, ends within its shutdown time although Redis has stopped answering', async () => {
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

  it('because a right is missing, leaves no periodic task behind', async () => {
    await using server = await startTestRedis();
    const admin = new Redis(server.url);
    // All keys but the circuits, which a worker reads last.
    const keys = ['~{start:0}:*', '~{start}:*', '~{start:fleet}:limits', '~{start:fleet}:asks', '~{start:fleet}:-'];
    await admin.call('ACL', 'SETUSER', 'worker', 'on', 'nopass', ...keys, '&*', '+@all');
    admin.disconnect();
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const worker = createWorker({
      redisUrl: server.url.replace('://', '://worker:any@'),
      namespace: 'start',
      apiUrl: 'http://127.0.0.1:1',
      apiKey: 'key',
      logLevel: 'silent',
    });
    await expect(worker.run()).rejects.toThrow(/NOPERM/);
    expect(timers()).toBe(before);
  });
});
