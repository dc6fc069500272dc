import { changeRedis } from '../session/calls.ts';
import type { Deadline } from '../redis/deadline.ts';
import { shardOfPage } from '../lanes/keys.ts';
import { hold, type HoldTarget, release } from '../lanes/holds/hold.ts';
import type { Session } from '../session/session.ts';

/**
 * Begins or ends an operator's hold. One of everything stands in all shards, one of a page in its own.
 *
 * @returns whether this changed anything.
 * @throws QueueUnavailableError, ChangeUncertainError, ConfigError
 */
export async function changeHold(
  session: Session,
  { shards }: { shards: number },
  { change, target }: { change: 'hold' | 'release'; target: HoldTarget },
  deadline: Deadline,
): Promise<boolean> {
  const { page } = target;
  const indexes = page === undefined ? Array.from({ length: shards }, (_, n) => n) : [shardOfPage(page, shards)];
  let changed = false;
  for (const index of indexes) {
    const shard = await session.shard(index, deadline);
    const made = await changeRedis(deadline, () =>
      change === 'hold' ? hold(shard, { ...target, reason: 'operator' }) : release(shard, target),
    );
    changed ||= made;
  }
  return changed;
}
