import { describe, expect, it } from 'vitest';
import { createProducer } from '../../src/producer/index.ts';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import { createWorker } from '../../src/worker/index.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages } from '../support/messages.ts';

/** Requests open at once: what can be unknown when Redis is killed. */
const CONCURRENCY = 5;

// Part of `npm run test:container` only, see vitest.config.ts.
describe('delivery through a Redis in a container', () => {
  it('outlives a kill of the container in mid-delivery: every message arrives, in order', async () => {
    // While an fsync of `everysec` runs, Redis acknowledges what a kill then loses: settled messages would be sent again.
    const args = ['--appendfsync', 'always'];
    await using redis = await startRedisServer({ engine: 'container', appendOnly: true, args });
    await using api = await startFakeKitechat({ latencyMs: 20 });
    await using producer = createProducer({ redisUrl: redis.url });
    await using cleanup = new AsyncDisposableStack();
    await producer.enqueueMessages(manyMessages(10, 5));

    const worker = createWorker({
      redisUrl: redis.url,
      apiUrl: api.url,
      apiKey: 'key',
      concurrency: CONCURRENCY,
      timeoutMs: 2000,
      logLevel: 'silent',
    });
    const running = worker.run();
    cleanup.defer(async () => await worker.close());
    await api.waitForAccepted(15);
    await redis.kill();
    expect(api.report().accepted).toBeLessThan(50);
    await redis.restart();

    const delivered = (): number => api.report().accepted - api.report().duplicates.count;
    await eventually('all messages arrived', () => delivered() === 50, 60_000);
    await worker.close();
    await running;
    const report = api.report();
    expect(report.outOfOrder.count).toBe(0);
    expect(report.overlaps.count).toBe(0);
    expect(report.duplicates.count).toBeLessThanOrEqual(CONCURRENCY);
  }, 120_000);
});
