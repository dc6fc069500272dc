import { absentKey } from '../keys.ts';
import type { Shard } from '../queues.ts';

const AT_ONCE = 100;

/** Lets scheduled messages whose time has come join their conversations. @returns whether there may be more of them. */
export async function releaseDue(shard: Shard): Promise<boolean> {
  const moved = (await shard.redis.laneDue(dueKey(shard), absentKey(shard), shard.root, AT_ONCE)) as number;
  return moved === AT_ONCE;
}

/** The messages that are not due yet, by their time. */
export function dueKey(shard: Shard): string {
  return `${shard.root}due`;
}
