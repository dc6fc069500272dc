import type { Deadline } from '../redis/deadline.ts';
import type { AuditedOutcome } from './audit.ts';
import { type ForeignSettings, removeForeignSettings } from '../lanes/foreign-settings.ts';
import type { Session } from '../session/session.ts';

/**
 * Removes BullMQ's settings that somebody has changed. Our workers take no notice of them; they are removed so that the next change is
 * seen.
 *
 * @returns what was removed.
 * @throws QueueUnavailableError, ChangeUncertainError, ConfigError
 */
export async function repair(
  session: Session,
  { shards }: { shards: number },
  deadline: Deadline,
): Promise<ForeignSettings[]> {
  const removed: ForeignSettings[] = [];
  for (let index = 0; index < shards; index += 1) {
    removed.push(...(await session.changeStored(index, deadline, [], removeForeignSettings)));
  }
  return removed;
}

/** What is recorded of a repair. */
export function outcomeOfRepair({ length }: readonly ForeignSettings[]): AuditedOutcome {
  return { result: length === 0 ? 'nothing to change' : 'done', done: length };
}
