import { absentKey } from '../key-names.ts';
import { jobKeys, type Shard } from '../shard.ts';

/** The result of a call to cancel a message. */
export type CancelResult = 'cancelled' | 'too-late' | 'not-found';

/** Ends a message that is not being sent; a second call does nothing. */
export async function cancelStored(shard: Shard, id: string): Promise<CancelResult> {
  const [result] = (await shard.redis.laneCancel(jobKeys(shard, id).job, absentKey(shard), shard.root, id)) as [
    CancelResult,
  ];
  return result;
}
