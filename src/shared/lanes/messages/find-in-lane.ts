import { absentKey, SEND_QUEUE } from '../key-names.ts';
import type { Shard } from '../shard.ts';

/** A sorted set of a shard's messages: those that are scheduled, or those that were delivered or cancelled. */
export type MessageSet = 'scheduled' | 'ended';

/** The entry of such a set after which the next call continues. */
export interface SetPosition {
  score: string;
  member: string;
}

export interface FoundInLane {
  /** `storedAt` is a time in ms, or what others have written in its place. */
  messages: { id: string; storedAt: string }[];
  /** Where the next call continues; `null` if there are no more entries. */
  next: SetPosition | null;
}

/** The most entries of the set that one call looks at. */
export const LOOKED_AT_ONCE = 1000;

/** Finds some of a conversation's messages in a set; call it again with `next` for more. A call may find none although more follow. */
export async function findInLane(
  shard: Shard,
  set: MessageSet,
  lane: string,
  after: SetPosition | null,
): Promise<FoundInLane> {
  const key = set === 'scheduled' ? `${shard.root}due` : `${shard.root}${SEND_QUEUE}:completed`;
  const from = [after?.score ?? '', after?.member ?? ''] as const;
  const reply = await shard.redis.laneFind(key, absentKey(shard), shard.root, lane, ...from);
  const [score = '', member = '', ...found] = reply as string[];
  const messages = found.flatMap((id, n) => (n % 2 === 0 ? [{ id, storedAt: found[n + 1] ?? '0' }] : []));
  return { messages, next: score === '' ? null : { score, member } };
}
