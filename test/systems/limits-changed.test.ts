import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { shardOfPage } from '../../src/shared/lanes/key-names.ts';
import { writeLimits } from '../../src/shared/lanes/fleet/limits.ts';
import type { KitechatWorker } from '../../src/worker/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

/** Two pages of each shard. */
function pagesOf(shards: number): string[] {
  return Array.from({ length: shards }, (_, shard) => {
    const all = Array.from({ length: 200 }, (_page, n) => `p${n}`);
    return all.filter((page) => shardOfPage(page, shards) === shard).slice(0, 2);
  }).flat();
}

/** Conversations of one message each, evenly over the pages. */
function backlog(pages: readonly string[], conversations: number) {
  return Array.from({ length: conversations }, (_, n) => textMessage(`c${n}`, 1, pages[n % pages.length]));
}

function arrivalsSince({ api }: Installation, from: number): number[] {
  return api.requests.map(({ arrivedAt }) => arrivedAt).filter((at) => at >= from);
}

/** The rate of the fullest time of this length. */
function mostPerSecond(arrivals: readonly number[], withinMs: number): number {
  const sorted = arrivals.toSorted((one, other) => one - other);
  let first = 0;
  let most = 0;
  for (const [last, at] of sorted.entries()) {
    while ((sorted[first] ?? at) <= at - withinMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return (1000 * most) / withinMs;
}

/** Waits until messages have gone at this rate for some seconds: a machine that is busy with other tests is slower at first. */
async function untilSentAt(site: Installation, perSecond: number): Promise<void> {
  const from = Date.now();
  const isReached = (): boolean => mostPerSecond(arrivalsSince(site, from), 4000) >= perSecond;
  await eventually(`${perSecond} messages a second for four seconds`, isReached, 30_000);
}

async function ready(worker: KitechatWorker): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  worker.on('ready', resolve);
  await promise;
}

describe('the limit of the fleet, as the API sees it', () => {
  const used = useRedis();

  it.each([1, 4])('is one, though two workers ask for different ones, on %d shards', async (shards) => {
    await using site = await install(used, { startWorker: false, config: { shards }, api: { latencyMs: 10 } });
    await site.producer.enqueueMessages(backlog(pagesOf(shards), 600));
    await ready(site.startWorker({ rateLimit: '20/s' }));
    await ready(site.startWorker({ rateLimit: '10/s' }));
    const from = Date.now() + 2000;
    await delay(6000);
    await untilSentAt(site, 19);
    // A burst of one for each shard, and what a busy machine delivers late.
    expect(mostPerSecond(arrivalsSince(site, from), 1000)).toBeLessThanOrEqual(24 + shards);
    expect(mostPerSecond(arrivalsSince(site, from), 4000)).toBeLessThanOrEqual(21.5 + shards / 4);
  });

  it.each([1, 4])('is another one within two seconds when it is set at run time, on %d shards', async (shards) => {
    await using site = await install(used, { startWorker: false, config: { shards }, api: { latencyMs: 10 } });
    const set = async (rate: string): Promise<void> => {
      await writeLimits(used.redis, site.config.namespace ?? '', { rate });
      await delay(2000);
    };
    await site.producer.enqueueMessages(backlog(pagesOf(shards), 1500));
    await ready(site.startWorker({ rateLimit: '1/h' }));
    site.startWorker({ rateLimit: '1/h' });
    await set('50/s');
    await untilSentAt(site, 47);
    await set('8/s');
    const from = Date.now();
    await delay(4000);
    expect(mostPerSecond(arrivalsSince(site, from), 4000)).toBeLessThanOrEqual(8 + (shards + 1) / 4);
    await set('none');
    await site.api.waitForAccepted(1500, { timeoutMs: 100_000 });
    expect(site.api.report()).toMatchObject({ duplicates: { count: 0 }, outOfOrder: { count: 0 } });
  });

  it('is nearly all for the only shard that has work, and the first message of another one leaves at once', async () => {
    await using site = await install(used, {
      startWorker: false,
      config: { shards: 4, rateLimit: '50/s' },
      api: { latencyMs: 10 },
    });
    const [busy = '', busyToo = '', other = ''] = pagesOf(4);
    await site.producer.enqueueMessages(backlog([busy, busyToo], 2000));
    await ready(site.startWorker());
    site.startWorker();
    const from = Date.now();
    await untilSentAt(site, 48);
    expect(mostPerSecond(arrivalsSince(site, from), 4000)).toBeLessThanOrEqual(52);
    const enqueuedAt = Date.now();
    const id = await site.enqueue(textMessage('urgent', 1, other));
    await site.until(id, 'delivered');
    // The backlog takes 40 s.
    expect(Date.now() - enqueuedAt).toBeLessThan(10_000);
  });
});
