import { absentKey } from '../keys.ts';
import type { Shard } from '../shard.ts';

/** Waiting messages that one pass looks at, besides the oldest. */
const LOOK_AT = 200;
/** A job without a lane that is this old is left from an add that never became a message. */
const NEVER_STORED_MS = 10 * 60_000;

/**
 * One pass over some of a shard's pages and waiting messages.
 *
 * @param cursor where the last pass stopped; '0' for the beginning
 */
export async function reconcile(shard: Shard, cursor: string): Promise<{ cursor: string; repairs: number }> {
  const keys = [repairsKey(shard), absentKey(shard)] as const;
  const reply = await shard.redis.laneReconcile(...keys, shard.root, cursor, LOOK_AT, NEVER_STORED_MS);
  const [next, repairs] = reply as [string, number];
  return { cursor: next, repairs };
}

/** How often each kind of repair was made, since ever. Without faults it stays empty. */
export async function readRepairs(shard: Shard): Promise<Record<string, number>> {
  const { cursor: _cursor, ...counts } = await shard.redis.hgetall(repairsKey(shard));
  return Object.fromEntries(Object.entries(counts).map(([kind, count]) => [kind, Number(count)]));
}

function repairsKey(shard: Shard): string {
  return `${shard.root}repairs`;
}
