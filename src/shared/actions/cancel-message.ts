import type { Deadline } from '../redis/deadline.ts';
import { shardOfId } from '../lanes/key-names.ts';
import { cancelStored, type CancelResult } from '../lanes/messages/cancel.ts';
import type { Session } from '../session/session.ts';

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
  const isPossible = index !== null && index < shards;
  // Connects even if the id can't be one of these shards: while Redis is away, every id gets the same error.
  return await session.changeStored<CancelResult>(isPossible ? index : 0, deadline, 'not-found', async (shard) =>
    isPossible ? await cancelStored(shard, id) : 'not-found',
  );
}
