import type { RestoreNotice } from '../lib/timeline.ts';
import { absentKey, keyPart, laneOf } from '../key-names.ts';
import type { Shard } from '../shard.ts';

/** What an operator holds: everything, a page, or a conversation of a page. */
export interface HoldTarget {
  page?: string | undefined;
  conversation?: string | undefined;
}

/** A hold without an end time. */
export interface StandingHold extends HoldTarget {
  reason: 'operator' | 'dead-letter' | 'restored';
  /** The dead letter that the conversation waits for; a replay of the letter goes before all messages that wait. */
  letter?: string | undefined;
  /** Why the fleet holds itself. */
  restore?: RestoreNotice | undefined;
}

/** Begins a hold in one shard. @returns `false` if there was one already. */
export async function hold(shard: Shard, { reason, ...target }: StandingHold): Promise<boolean> {
  return await callHold(shard, target, JSON.stringify({ ...target, reason }));
}

/** Ends a hold in one shard, so that its messages can be sent again. @returns `false` if there was none. */
export async function release(shard: Shard, target: HoldTarget): Promise<boolean> {
  return await callHold(shard, target, '');
}

async function callHold(shard: Shard, target: HoldTarget, json: string): Promise<boolean> {
  return (await shard.redis.laneHold(holdsKey(shard), absentKey(shard), shard.root, nameOf(target), json)) === 1;
}

export async function readHolds(shard: Shard): Promise<StandingHold[]> {
  const holds = await shard.redis.hgetall(holdsKey(shard));
  return Object.entries(holds).flatMap(([field, json]) =>
    field.startsWith('standing:') ? [JSON.parse(json) as StandingHold] : [],
  );
}

function holdsKey(shard: Shard): string {
  return `${shard.root}holds`;
}

function nameOf({ page, conversation }: HoldTarget): string {
  if (page === undefined) return '*';
  return conversation === undefined ? keyPart(page) : laneOf(page, conversation);
}
