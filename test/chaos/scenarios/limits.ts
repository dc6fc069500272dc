import { setTimeout as delay } from 'node:timers/promises';
import { hold, release } from '../../../src/shared/lanes/holds/hold.ts';
import { writeLimits } from '../../../src/shared/lanes/fleet/limits.ts';
import type { EnqueueItem } from '../../../src/producer/index.ts';
import { eventually } from '../../support/eventually.ts';
import { manyMessages } from '../../support/messages.ts';
import type { Arena } from '../arena.ts';
import { inArena } from '../in-arena.ts';
import { arrivalsOf, settleAccounts, untilEnded } from '../ledger.ts';
import { mostWithin, perSecondOf, tooFast } from '../pace.ts';
import type { Outcome } from '../scenario.ts';
import { watchSlots } from '../slots.ts';

/** Long, so that a busy moment of this machine doesn't look like an API that doesn't answer. */
const UNHURRIED = { KITECHAT_TIMEOUT_MS: '10000' };

/** Stores messages while nothing is sent, since storing takes processor time that the workers need. */
async function storeHeld(arena: Arena, messages: EnqueueItem[]): Promise<void> {
  await hold(arena.shard, { reason: 'operator' });
  await arena.store(messages);
  await release(arena.shard, {});
}

async function judge(arena: Arena, violations: string[], figures: string): Promise<Outcome> {
  await untilEnded(arena);
  return { ...(await settleAccounts(arena)), violations, figures };
}

/** The number of messages that the fleet delivers before the measurement. */
const WARM_UP = 400;
const PAGE_WARM_UP = 60;
/** Messages per second. */
const FLEET_RATE = 50;
const RECOVERY_RATE = 400;

/** The whole fleet keeps to its limit, and uses it. */
export const fleetLimit = inArena({
  name: 'limit of 50/s, 8 workers',
  workers: 8,
  api: { latencyMs: 50 },
  env: { KITECHAT_RATE_LIMIT: `${FLEET_RATE}/s`, ...UNHURRIED },
  async play(arena) {
    await using slots = await watchSlots(arena);
    const messages = manyMessages(300, 12, 10);
    // Eight processes that still compile their code on two cores don't keep to time.
    await arena.store(messages.slice(0, WARM_UP));
    await untilEnded(arena);
    await storeHeld(arena, messages.slice(WARM_UP));
    const enough = WARM_UP + 60 * FLEET_RATE + 1;
    await eventually('60 s of messages arrived', async () => (await arena.api.counts()).accepted >= enough, 90_000);
    const arrivals = (await arrivalsOf(arena)).slice(WARM_UP, enough);
    const rate = perSecondOf(arrivals);
    const closest = slots.closestMs();
    const violations = [
      ...tooFast(arrivals, { perSecond: FLEET_RATE, burst: 1 }),
      ...(rate < 0.97 * FLEET_RATE ? [`only ${rate.toFixed(1)} a second`] : []),
      ...(closest < 1000 / FLEET_RATE - 0.01 ? [`two slots are only ${closest} ms apart`] : []),
    ];
    const figures = `${mostWithin(arrivals, 1000)} in the fullest second, ${rate.toFixed(1)}/s, slots ≥ ${closest.toFixed(2)} ms apart`;
    return await judge(arena, violations, figures);
  },
});

/** A page's limit is reserved, not polled. */
export const pageLimit = inArena({
  name: 'limit of 20/s a page',
  workers: 3,
  api: { latencyMs: 20 },
  env: { KITECHAT_PAGE_RATE_LIMIT: '20/s', ...UNHURRIED },
  async play(arena) {
    await using slots = await watchSlots(arena);
    const messages = manyMessages(130, 4, 1);
    await arena.store(messages.slice(0, PAGE_WARM_UP));
    await untilEnded(arena);
    await storeHeld(arena, messages.slice(PAGE_WARM_UP, PAGE_WARM_UP + 400));
    await untilEnded(arena);
    const arrivals = (await arrivalsOf(arena)).slice(PAGE_WARM_UP);
    const tookMs = (arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0);
    const most = slots.mostPutOffs();
    const violations = [
      ...tooFast(arrivals, { perSecond: 20, burst: 1 }),
      ...(tookMs < 19_000 || tookMs > 23_000 ? [`it took ${Math.round(tookMs)} ms`] : []),
      ...(most > 0 ? [`a message was put off ${most} times`] : []),
    ];
    return await judge(arena, violations, `${(tookMs / 1000).toFixed(1)} s, put off at most ${most} times`);
  },
});

/** There is no rush after an outage: the limit applies from the first moment. */
export const recovery = inArena({
  name: 'recovery with 50,000 waiting',
  workers: 4,
  api: { latencyMs: 20, keepRequests: 1_000_000 },
  env: { KITECHAT_RATE_LIMIT: `${RECOVERY_RATE}/s`, ...UNHURRIED },
  async play(arena) {
    await arena.api.shut();
    await arena.store(manyMessages(10_000, 5, 20));
    await delay(5000);
    await arena.api.open();
    arena.fleet.countKill();
    const opened = Date.now();
    await eventually('a message is delivered', async () => (await arena.api.counts()).accepted > 0, 60_000);
    const from = (await arena.api.accepted())[0]?.arrivedAt ?? opened;
    await delay(20_000);
    const arrivals = (await arrivalsOf(arena)).filter((at) => at >= from && at < from + 20_000);
    // Don't wait for the rest at that pace.
    await writeLimits(arena.shard.redis, 'kitechat', { rate: 'none' });
    const fullest = fullestBucket(arrivals, from);
    const mean = arrivals.length / 40;
    const violations = [
      ...tooFast(arrivals, { perSecond: RECOVERY_RATE, burst: 1 }),
      ...(fullest > 2 * mean ? [`${fullest} arrived in 500 ms, the mean is ${mean}`] : []),
    ];
    const figures = `${mostWithin(arrivals, 1000)} in the fullest second, ${fullest} in the fullest 500 ms, mean ${mean.toFixed(0)}`;
    const outcome = await judge(arena, violations, figures);
    return { ...outcome, recoveryMs: Math.round(from - opened), recoveryLimitMs: 20_000 };
  },
});

function fullestBucket(arrivals: readonly number[], from: number): number {
  const buckets = Map.groupBy(arrivals, (at) => Math.floor((at - from) / 500));
  return Math.max(...[...buckets.values()].map(({ length }) => length));
}
