import { absentKey, SEND_QUEUE } from '../key-names.ts';
import type { Shard } from '../shard.ts';

/**
 * Makes messages ready whose worker died; the next take finds their attempts open.
 *
 * @param everyMs the shortest time between two checks, whichever workers make them
 * @returns the number of messages that were found
 */
export async function findStalled(shard: Shard, everyMs: number): Promise<number> {
  const keys = [`${shard.root}${SEND_QUEUE}:stalled`, absentKey(shard)] as const;
  return (await shard.redis.laneFindStalled(...keys, shard.root, everyMs)) as number;
}
