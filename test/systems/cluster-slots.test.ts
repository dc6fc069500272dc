import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shardRoot } from '../../src/shared/lanes/key-names.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts';
import { install, type Installation } from '../support/worker.ts';

const SHARDS = 3;
const CONVERSATIONS = 24;

describe('while slots move from node to node', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(async () => await cluster.stop());

  const rootOf = (site: Installation, shard: number): string => shardRoot(site.config.namespace ?? '', shard);

  it('messages that are enqueued and sent meanwhile arrive once, in order, and none is lost', async () => {
    // A machine that many tests keep busy takes seconds for a call of many messages whose slots move.
    const config = { shards: SHARDS, enqueueTimeoutMs: 30_000 };
    await using site = await install(cluster, { config, api: { latencyMs: 3 } });
    site.startWorker();
    let rounds = 0;
    const over = new AbortController();
    const enqueuing = (async () => {
      while (!over.signal.aborted) {
        rounds += 1;
        // Each call holds several messages of each conversation: their order must not depend on who met the move.
        const messages = Array.from({ length: 4 * CONVERSATIONS }, (_, index) => {
          const conversation = index % CONVERSATIONS;
          const n = 4 * (rounds - 1) + 1 + Math.floor(index / CONVERSATIONS);
          return textMessage(`c${conversation}`, n, `p${conversation % 8}`);
        });
        await site.producer.enqueueMessages(messages);
      }
    })();
    await site.api.waitForAccepted(200);
    for (let move = 0; move < 4 * SHARDS; move += 1) {
      await cluster.moveSlotOf(rootOf(site, move % SHARDS), { keysAtOnce: 50, between: () => delay(5) });
    }
    over.abort();
    await enqueuing;
    const total = 4 * CONVERSATIONS * rounds;
    await eventually('all are delivered', () => site.api.report().accepted >= total, 60_000);
    const { accepted, duplicates, outOfOrder, overlaps } = site.api.report();
    expect({ accepted, duplicates, outOfOrder, overlaps }).toMatchObject({
      accepted: total,
      duplicates: { count: 0 },
      outOfOrder: { count: 0 },
      overlaps: { count: 0 },
    });
  }, 120_000);

  it('a request that is open meanwhile is not given up, though BullMQ looks for its lock in vain', async () => {
    // Locks last five seconds then; every 1.25 seconds those are renewed that are at least as old.
    await using site = await install(cluster, { api: { latencyMs: 2400 }, config: { timeoutMs: 2500 } });
    const ids: string[] = [];
    for (let n = 1; n <= 6; n += 1) {
      ids.push(await site.enqueue(textMessage(`c${n}`, 1)));
      await delay(250);
    }
    await cluster.moveSlotOf(rootOf(site, 0), {
      keysAtOnce: 1000,
      async between() {
        const areAnswered = (): boolean => site.api.requests.every(({ answeredAt }) => answeredAt !== null);
        await eventually('all are answered', areAnswered);
      },
    });
    for (const id of ids) await site.until(id, 'delivered');
    expect(site.api.report()).toMatchObject({ requests: 6, accepted: 6 });
  });
});
