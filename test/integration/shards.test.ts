import { completed } from '../support/settings.ts';
import { describe, expect, it } from 'vitest';
import { createProducer } from '../../src/producer/index.ts';
import { deadlineIn } from '../../src/shared/redis/deadline.ts';
import { shardOfPage } from '../../src/shared/lanes/key-names.ts';
import { createSession } from '../../src/shared/session/session.ts';
import { readStatus, type Status } from '../../src/shared/reading/status.ts';
import type { ReceivedRequest } from '../../src/testing/index.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation } from '../support/worker.ts';

const SHARDS = 4;

/** A page of each shard. */
const pages = Array.from({ length: SHARDS }, (_, shard) => {
  for (let n = 0; ; n += 1) if (shardOfPage(`p${n}`, SHARDS) === shard) return `p${n}`;
});
const pageOf = (shard: number): string => pages[shard] ?? '';

function mostAtOnce(requests: readonly ReceivedRequest[]): number {
  const changes = requests.flatMap(({ arrivedAt, answeredAt }) => [
    { at: arrivedAt, by: 1 },
    { at: answeredAt ?? Infinity, by: -1 },
  ]);
  let [open, most] = [0, 0];
  for (const { by } of changes.toSorted((one, other) => one.at - other.at || one.by - other.by)) {
    open += by;
    most = Math.max(most, open);
  }
  return most;
}

async function statusOf({ config }: Installation): Promise<Status> {
  const complete = completed(config);
  const session = createSession(complete);
  try {
    return await readStatus(session, complete, deadlineIn(3000));
  } finally {
    await session.close();
  }
}

describe('with several shards on one Redis', () => {
  const used = useRedis();

  it('messages of all pages arrive in order, through failures', async () => {
    await using site = await install(used, {
      config: { shards: SHARDS },
      api: { faults: [{ kind: 'status', status: 500, rate: 0.1 }], seed: 3 },
    });
    site.startWorker();
    const messages = manyMessages(80, 5, 20);
    await site.producer.enqueueMessages(messages);
    await site.api.waitForAccepted(messages.length);
    const { accepted, duplicates, outOfOrder, overlaps } = site.api.report();
    expect([accepted, duplicates.count, outOfOrder.count, overlaps.count]).toEqual([400, 0, 0, 0]);
  });

  it('a worker has no more requests open than its concurrency, wherever the work is, and nearly all for one shard', async () => {
    await using site = await install(used, {
      config: { shards: SHARDS, concurrency: 10 },
      // The first messages stay open until all places were seen in use.
      api: { latencyMs: 40, faults: [{ kind: 'latency', ms: 2000 }] },
    });
    const backlog = (shard: number, prefix: string) =>
      Array.from({ length: 300 }, (_, n) => textMessage(`${prefix}${n}`, 1, pageOf(shard)));
    const openNow = (): number => site.api.requests.filter(({ answeredAt }) => answeredAt === null).length;
    await site.producer.enqueueMessages(backlog(2, 'a'));
    await eventually('one shard has all places but one of each of the others', () => openNow() === 10 - (SHARDS - 1));
    site.api.setFaults([]);
    await site.producer.enqueueMessages([...backlog(0, 'b'), ...backlog(1, 'c'), ...backlog(3, 'd')]);
    const isAllSent = (): boolean => openNow() === 0 && site.api.report().accepted === 1200;
    await eventually('all is sent', isAllSent, 60_000);
    expect(mostAtOnce(site.api.requests)).toBe(10);
    const isTold = async (): Promise<boolean> => (await statusOf(site)).workers[0]?.concurrency === 10;
    await eventually('the fleet knows of ten places', isTold);
  });

  it('a worker that serves some of them leaves the others alone, and counts for its own only', async () => {
    await using site = await install(used, { startWorker: false, config: { shards: SHARDS, concurrency: 6 } });
    site.startWorker({ serveShards: '0,2-3' });
    const items = pages.map((page) => textMessage('c1', 1, page));
    const ids = await Promise.all(items.map((item) => site.enqueue(item)));
    const [, second = '', ...others] = ids;
    for (const id of [ids[0] ?? '', ...others]) await site.until(id, 'delivered');
    expect(await site.producer.getMessage(second)).toMatchObject({ status: 'queued' });
    expect((await statusOf(site)).workers).toMatchObject([{ concurrency: 6 }]);

    site.startWorker({ serveShards: '1' });
    await site.until(second, 'delivered');
    expect((await statusOf(site)).workers).toMatchObject([{ concurrency: 6 }, { concurrency: 6 }]);
  });

  it('a page keeps its shard, whoever asks', async () => {
    await using site = await install(used, { config: { shards: SHARDS } });
    for (const [shard, page] of pages.entries()) {
      const id = await site.enqueue(textMessage('c1', 1, page));
      expect(id).toMatch(new RegExp(`^${shard}-`));
      await site.until(id, 'delivered');
      await using other = createProducer(site.config);
      expect(await other.getMessage(id)).toMatchObject({ pageId: page, status: 'delivered' });
    }
  });
});
