import { absentKey } from '../key-names.ts';
import type { Shard } from '../shard.ts';

/** Number of waiting messages that one pass checks, besides the oldest. */
const LOOK_AT = 200;
/** A job without a lane that is older than this was never stored as a message. */
const NEVER_STORED_MS = 10 * 60_000;

/**
 * Makes one pass over some of a shard's pages and waiting messages.
 *
 * @param cursor where the last pass stopped; '0' for the beginning
 */
export async function reconcile(shard: Shard, cursor: string): Promise<{ cursor: string; repairs: number }> {
  const keys = [repairsKey(shard), absentKey(shard)] as const;
  const reply = await shard.redis.laneReconcile(...keys, shard.root, cursor, LOOK_AT, NEVER_STORED_MS);
  const [next, repairs] = reply as [string, number];
  return { cursor: next, repairs };
}

/** The number of repairs of each kind since the installation was created; empty if there were none. */
export async function readRepairs(shard: Shard): Promise<Record<string, number>> {
  const { cursor: _cursor, ...counts } = await shard.redis.hgetall(repairsKey(shard));
  return Object.fromEntries(Object.entries(counts).map(([kind, count]) => [kind, Number(count)]));
}

function repairsKey(shard: Shard): string {
  return `${shard.root}repairs`;
}
