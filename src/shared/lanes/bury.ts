import type { DeadLetterPayload } from '../dead-letter.ts';
import { absentKey } from '../keys.ts';
import { jobKeys, type Shard } from '../queues.ts';
import { holdOf } from './letters.ts';
import { addHidden, runTransaction } from './transaction.ts';

/**
 * Ends a message that BullMQ has failed by itself, or that no worker can read, with a dead letter.
 *
 * @param options.holds whether its conversation waits for an operator
 * @returns `false` if it was not ours to end: it goes on, it has ended, or it is gone.
 */
export async function bury(
  shard: Shard,
  id: string,
  letter: DeadLetterPayload,
  { unreadable, holds }: { unreadable: boolean; holds: boolean },
): Promise<boolean> {
  const reply = await runTransaction(shard.redis, shard.send, async (transaction) => {
    await addHidden(transaction, shard.dead, { id, name: letter.reason, data: letter });
    const { job } = jobKeys(shard, id);
    transaction.laneBury(job, absentKey(shard), shard.root, id, unreadable ? 1 : 0, holdOf(letter, holds));
  });
  const [verdict] = reply as ['done' | 'not ours'];
  return verdict === 'done';
}
