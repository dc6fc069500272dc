import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../support/eventually.ts';
import { manyMessages } from '../../support/messages.ts';
import { type Promotion, type RedisSentinel, startRedisSentinel } from '../../support/redis-sentinel.ts';
import type { Arena } from '../arena.ts';
import { inArenaOn } from '../in-arena.ts';
import { arrivalsOf, settleAccounts, unansweredBy, untilEnded } from '../ledger.ts';
import { longestGapMs } from '../pace.ts';
import { startReadonlyPair } from '../readonly-pair.ts';

const RECOVERY_LIMIT_MS = 5000;
const PAUSE_MS = 2000;
/** More than all workers together take at once. */
const WERE_TAKEN = 100;

/** The old primary becomes a replica that refuses writes, on connections that stay open. No write is lost. */
export const readonlyFailover = inArenaOn({
  name: 'READONLY failover, 3 times',
  startRedis: startReadonlyPair,
  workers: 3,
  api: { latencyMs: 20 },
  async play(arena) {
    const storing = arena.storeSlowly(manyMessages(150, 20, 6), 15_000);
    const swaps: number[] = [];
    for (let nth = 0; nth < 3; nth += 1) {
      await delay(PAUSE_MS);
      const at = await arena.server.swapRoles();
      swaps.push(at);
      arena.fleet.countKill();
      // Not before, since the next swap makes the server the primary again that the connections lead to.
      await eventually('messages taken since are delivered', async () => {
        return (await arrivalsOf(arena)).filter((arrival) => arrival > at).length > WERE_TAKEN;
      });
    }
    await storing;
    await untilEnded(arena);
    const arrivals = await arrivalsOf(arena);
    return await settleAccounts(arena, {
      duplicates: await unansweredBy(arena),
      recoveryMs: Math.max(...swaps.map((at) => longestGapMs(arrivals, at, at + PAUSE_MS / 2))),
      recoveryLimitMs: RECOVERY_LIMIT_MS,
    });
  },
});

/** Three sentinels promote a replica each time that the primary is killed under load. */
export const sentinelFailover = inArenaOn({
  name: 'Sentinel failover, 5 times',
  startRedis: startRedisSentinel,
  workers: 3,
  api: { latencyMs: 20 },
  async play(arena) {
    const storing = arena.storeSlowly(manyMessages(150, 24, 6), 36_000);
    const promotions: number[] = [];
    for (let nth = 0; nth < 5; nth += 1) {
      await delay(1000 + arena.random() * 1000);
      const { old, atMs } = await killPrimary(arena);
      arena.fleet.countKill();
      promotions.push(atMs);
      await eventually('something is delivered', async () => (await arrivalsOf(arena)).some((at) => at > atMs));
      await old.restart();
      await arena.server.untilReplicated();
    }
    await storing;
    await untilEnded(arena);
    const arrivals = await arrivalsOf(arena);
    return await settleAccounts(arena, {
      duplicates: arena.fleet.struck.length + (await unansweredBy(arena)),
      recoveryMs: Math.max(...promotions.map((at) => (arrivals.find((arrival) => arrival > at) ?? Infinity) - at)),
      recoveryLimitMs: RECOVERY_LIMIT_MS,
    });
  },
});

/** Kills the primary when the replicas have all that was stored so far, so that only what is stored meanwhile may be lost. */
async function killPrimary({ server: group, fleet, stored, unwritten }: Arena<RedisSentinel>): Promise<Promotion> {
  const primary = await group.primary();
  const redis = group.connectTo(primary);
  const replicated = new Set<string>();
  await fleet.whileStopped(async () => {
    for (const identity of stored.keys()) replicated.add(identity);
    // WAIT counts the replicas that have the last write of its own connection.
    await redis.set('written', Date.now());
    await eventually('the replicas have it', async () => (await redis.wait(2, 1000)) === 2);
    await primary.kill();
  });
  redis.disconnect();
  const promotion = await group.untilPromoted(primary);
  const doubtful = [...stored].filter(([identity, at]) => !replicated.has(identity) && at <= promotion.atMs);
  for (const [identity] of doubtful) unwritten.stored.add(identity);
  if (doubtful.length > 0) unwritten.kills += 1;
  return promotion;
}
