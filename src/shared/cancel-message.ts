import { changeRedis } from './change-redis.ts';
import type { Deadline } from './deadline.ts';
import { shardOfId } from './keys.ts';
import { cancel, type CancelResult } from './lanes/cancel.ts';
import type { Session } from './session.ts';

/**
 * Cancels one message, wherever it waits.
 *
 * @throws QueueUnavailableError, ChangeUncertainError, ConfigError
 */
export async function cancelMessage(
  session: Session,
  { shards }: { shards: number },
  id: string,
  deadline: Deadline,
): Promise<CancelResult> {
  const index = shardOfId(id);
  if (index === null || index >= shards) return 'not-found';
  const shard = await session.shard(index, deadline);
  return await changeRedis(deadline, () => cancel(shard, id));
}
