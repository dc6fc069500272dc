import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shardOfPage } from '../../src/shared/keys.ts';
import { writeLimits } from '../../src/shared/lanes/limits.ts';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import { connectPatiently } from '../../src/shared/redis.ts';
import type { RedisServer } from '../../src/testing/redis-handle.ts';
import type { KitechatWorker } from '../../src/worker/index.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { install, type Installation } from '../support/worker.ts';

/** Two pages of each shard. */
function pagesOf(shards: number): string[] {
  return Array.from({ length: shards }, (_, shard) => {
    const all = Array.from({ length: 200 }, (_page, n) => `p${n}`);
    return all.filter((page) => shardOfPage(page, shards) === shard).slice(0, 2);
  }).flat();
}

/** Conversations of a few messages, evenly over the pages. */
function backlog(pages: readonly string[], conversations: number) {
  return Array.from({ length: conversations }, (_, n) => textMessage(`c${n}`, 1, pages[n % pages.length]));
}

/** When requests arrived from a moment on, during `forMs`; waits until that time is over. */
async function arrivalsDuring({ api }: Installation, forMs: number): Promise<number[]> {
  const from = Date.now();
  await delay(forMs);
  return api.requests.map(({ arrivedAt }) => arrivedAt).filter((at) => at >= from && at < from + forMs);
}

const perSecond = (arrivals: readonly number[], forMs: number): number => (1000 * arrivals.length) / forMs;

function mostInASecond(arrivals: readonly number[]): number {
  return Math.max(...arrivals.map((from) => arrivals.filter((at) => at >= from && at < from + 1000).length));
}

async function ready(worker: KitechatWorker): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  worker.on('ready', resolve);
  await promise;
}

describe('the limit of the fleet, as the API sees it', () => {
  let server: RedisServer;
  let redis: LaneRedis;
  beforeAll(async () => {
    server = await startTestRedis();
    redis = connectPatiently(server.url);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  it.each([1, 4])('is one, though two workers ask for different ones, on %d shards', async (shards) => {
    await using site = await install(server, { startWorker: false, config: { shards }, api: { latencyMs: 10 } });
    await site.producer.enqueueMessages(backlog(pagesOf(shards), 600));
    await ready(site.startWorker({ rateLimit: '20/s' }));
    await ready(site.startWorker({ rateLimit: '10/s' }));
    await delay(2000);
    const arrivals = await arrivalsDuring(site, 8000);
    expect(perSecond(arrivals, 8000)).toBeGreaterThanOrEqual(19);
    expect(perSecond(arrivals, 8000)).toBeLessThanOrEqual(20.6);
    // A burst of one for each shard, and what a busy machine delivers late.
    expect(mostInASecond(arrivals)).toBeLessThanOrEqual(24 + shards);
  });

  it.each([1, 4])('is another one within two seconds when it is set at run time, on %d shards', async (shards) => {
    await using site = await install(server, { startWorker: false, config: { shards }, api: { latencyMs: 10 } });
    const set = async (rate: string): Promise<void> => {
      await writeLimits(redis, site.config.namespace ?? '', { rate });
      await delay(2000);
    };
    await site.producer.enqueueMessages(backlog(pagesOf(shards), 800));
    await ready(site.startWorker({ rateLimit: '1/h' }));
    site.startWorker({ rateLimit: '1/h' });
    await set('50/s');
    expect(perSecond(await arrivalsDuring(site, 4000), 4000)).toBeGreaterThanOrEqual(46);
    await set('8/s');
    expect(perSecond(await arrivalsDuring(site, 4000), 4000)).toBeLessThanOrEqual(8 + shards / 4);
    await set('none');
    await site.api.waitForAccepted(800);
    expect(site.api.report()).toMatchObject({ duplicates: { count: 0 }, outOfOrder: { count: 0 } });
  });

  it('is nearly all for the only shard that has work, and the first message of another one leaves at once', async () => {
    await using site = await install(server, {
      startWorker: false,
      config: { shards: 4, rateLimit: '50/s' },
      api: { latencyMs: 10 },
    });
    const [busy = '', busyToo = '', other = ''] = pagesOf(4);
    await site.producer.enqueueMessages(backlog([busy, busyToo], 800));
    await ready(site.startWorker());
    site.startWorker();
    await delay(4000);
    const arrivals = await arrivalsDuring(site, 6000);
    expect(perSecond(arrivals, 6000)).toBeGreaterThanOrEqual(48);
    expect(mostInASecond(arrivals)).toBeLessThanOrEqual(60);
    const enqueuedAt = Date.now();
    const id = await site.enqueue(textMessage('urgent', 1, other));
    await site.until(id, 'delivered');
    expect(Date.now() - enqueuedAt).toBeLessThan(500);
  });
});
