import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { manyMessages } from '../support/messages.ts';
import { type RedisSentinel, startRedisSentinel } from '../support/redis-sentinel.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { install } from '../support/worker.ts';

const FAILOVERS = 5;
const CONVERSATIONS = 20;
const ROUNDS = 10;
const FIRST_DELIVERY_MS = 5000;

it('five failovers under load lose no replicated message, keep the order, and are over within five seconds of a promotion', async () => {
  await using group = await startRedisSentinel();
  await using site = await install(group, { api: { faults: [{ kind: 'latency', ms: 100 }] } });
  const messages = manyMessages(CONVERSATIONS, FAILOVERS * (ROUNDS + 1));
  let stored = 0;

  /** Stores the next message of each conversation, as an app does that calls again with the same key. */
  async function storeRound(): Promise<void> {
    const calls = messages.slice(stored, stored + CONVERSATIONS).map((item) => {
      const idempotencyKey = JSON.stringify(item);
      return async () => await site.enqueue({ ...item, idempotencyKey });
    });
    await eventually('they are stored', async () => {
      const results = await Promise.allSettled(calls.map((call) => call()));
      return results.every(({ status }) => status === 'fulfilled');
    });
    stored += CONVERSATIONS;
  }

  const tookMs: number[] = [];
  for (let nth = 0; nth < FAILOVERS; nth += 1) {
    for (let round = 0; round < ROUNDS; round += 1) await storeRound();
    const old = await killWhenReplicated(group);
    const [{ atMs }] = await Promise.all([group.untilPromoted(old), storeRound()]);
    const first = await eventually('a message is delivered', () => {
      return site.api.accepted.find(({ arrivedAt }) => arrivedAt > atMs);
    });
    tookMs.push(first.arrivedAt - atMs);
    await old.restart();
    await group.untilReplicated();
  }

  const arrived = (): number =>
    new Set(site.api.accepted.map(({ message, ...to }) => JSON.stringify([to.pageId, to.conversationId, message])))
      .size;
  await eventually('all have arrived', () => arrived() === stored);
  expect(stored).toBe(messages.length);
  expect(site.api.report()).toMatchObject({ outOfOrder: { count: 0 }, overlaps: { count: 0 } });
  expect(Math.max(...tookMs)).toBeLessThan(FIRST_DELIVERY_MS);
});

/** Kills the primary as soon as both replicas have all that was stored. */
async function killWhenReplicated(group: RedisSentinel): Promise<RedisServer> {
  const primary = await group.primary();
  const redis = group.connectTo(primary);
  // WAIT counts the replicas that have the last write of its own connection.
  await redis.set('written', Date.now());
  await eventually('the replicas have it', async () => (await redis.wait(2, 1000)) === 2);
  await primary.kill();
  redis.disconnect();
  return primary;
}
