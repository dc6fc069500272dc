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
  const [changed] = await callHold(shard, target, JSON.stringify({ ...target, reason }));
  return changed === 1;
}

/**
 * Ends a hold in one shard, so that its messages can be sent again. When everything is released, the pages go on in batches, because
 * Redis does nothing else during each of them.
 *
 * @param mayGoOn whether there is time for another batch; the shard's leader does what is left
 * @returns `false` if there was none.
 */
export async function release(shard: Shard, target: HoldTarget, mayGoOn: () => boolean = () => true): Promise<boolean> {
  const [changed, first] = await callHold(shard, target, '');
  let cursor = first;
  while (cursor !== '0' && mayGoOn()) [, cursor] = await callHold(shard, target, '', cursor);
  return changed === 1;
}

async function callHold(
  shard: Shard,
  target: HoldTarget,
  json: string,
  cursor = '0',
): Promise<[changed: number, cursor: string]> {
  const keys = [holdsKey(shard), absentKey(shard)] as const;
  return (await shard.redis.laneHold(...keys, shard.root, nameOf(target), json, cursor)) as [number, string];
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
