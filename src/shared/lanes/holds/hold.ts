import { absentKey, keyPart, laneOf } from '../keys.ts';
import type { Shard } from '../shard.ts';
import type { TimedHold } from '../messages/turn.ts';

/** What an operator holds: everything, a page, or a conversation of it. */
export interface HoldTarget {
  page?: string | undefined;
  conversation?: string | undefined;
}

/** A hold that lasts until it is ended. */
export interface StandingHold extends HoldTarget {
  reason: 'operator' | 'dead-letter';
  /** The dead letter that the conversation waits for: sent again, it goes before the others. */
  letter?: string | undefined;
}

/** Begins a hold in one shard. @returns whether there was none. */
export async function hold(shard: Shard, { reason, ...target }: StandingHold): Promise<boolean> {
  return await callHold(shard, target, JSON.stringify({ ...target, reason }));
}

/** Ends a hold in one shard, and lets go on what it kept back. @returns whether there was one. */
export async function release(shard: Shard, target: HoldTarget): Promise<boolean> {
  return await callHold(shard, target, '');
}

async function callHold(shard: Shard, target: HoldTarget, json: string): Promise<boolean> {
  return (await shard.redis.laneHold(holdsKey(shard), absentKey(shard), shard.root, nameOf(target), json)) === 1;
}

/** A hold as it stands in Redis. */
export type HoldInRedis = { until: null; hold: StandingHold } | { until: number; hold: TimedHold };

/** All holds of a shard, those that have run out included. */
export async function readHolds(shard: Shard): Promise<HoldInRedis[]> {
  const holds = await shard.redis.hgetall(holdsKey(shard));
  return Object.entries(holds).map(([field, value]) => {
    if (field.startsWith('standing:')) return { until: null, hold: JSON.parse(value) as StandingHold };
    const space = value.indexOf(' ');
    return { until: Number(value.slice(0, space)), hold: JSON.parse(value.slice(space + 1)) as TimedHold };
  });
}

function holdsKey(shard: Shard): string {
  return `${shard.root}holds`;
}

function nameOf({ page, conversation }: HoldTarget): string {
  if (page === undefined) return '*';
  return conversation === undefined ? keyPart(page) : laneOf(page, conversation);
}
