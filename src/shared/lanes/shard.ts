import { absentKey, SEND_QUEUE, shardOfId, shardRoot } from './key-names.ts';
import type { LaneRedis } from './commands.ts';

/** One shard: the start of all its keys, and the connection to them. */
export interface Shard {
  index: number;
  namespace: string;
  root: string;
  redis: LaneRedis;
}

export function shardOn(redis: LaneRedis, namespace: string, index: number): Shard {
  return { index, namespace, root: shardRoot(namespace, index), redis };
}

/**
 * The keys of a message's job and of the lock that a worker holds on it. Others can write the names of other keys in place of ids: what is
 * no id has no job.
 */
export function jobKeys(shard: Shard, id: string): { job: string; lock: string } {
  const job = shardOfId(id) === null ? absentKey(shard) : `${shard.root}${SEND_QUEUE}:${id}`;
  return { job, lock: `${job}:lock` };
}
