import type { Deadline } from '../redis/deadline.ts';
import { shardOfPage } from '../lanes/key-names.ts';
import { hold, type HoldTarget, release } from '../lanes/holds/hold.ts';
import type { Session } from '../session/session.ts';

/** What is left of the deadline when a release leaves the rest to the leaders. */
const SPARE_MS = 2000;

/**
 * Begins or ends an operator's hold. A hold of everything is stored in all shards, a hold of a page or conversation in the page's shard.
 *
 * @returns whether a hold was begun or ended.
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
    const made =
      change === 'hold'
        ? await session.change(index, deadline, (shard) => hold(shard, { ...target, reason: 'operator' }))
        : await session.changeStored(index, deadline, false, (shard) =>
            release(shard, target, () => deadline.leftMs() > SPARE_MS),
          );
    changed ||= made;
  }
  return changed;
}
