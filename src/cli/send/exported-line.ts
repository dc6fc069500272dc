import type { DeadLetterEntry } from '../../dead-letters/index.ts';
import { deadReasons } from '../../shared/model/dead-letter.ts';
import type { EnqueueOptions } from '../../shared/model/enqueue-options.ts';
import type { SendRequest } from '../../shared/model/message.ts';

type Told = Exclude<keyof DeadLetterEntry, keyof SendRequest | keyof EnqueueOptions>;

/** What an exported line tells of the message that died, and what is no part of the new one. */
const told: Readonly<Record<Told, true>> = {
  id: true,
  status: true,
  enqueuedAt: true,
  attemptsUsed: true,
  attemptsAllowed: true,
  attempts: true,
  nextAttemptAt: true,
  reason: true,
  deadAt: true,
  response: true,
  problem: true,
  replayOf: true,
  expiresAt: true,
};

/**
 * A line of `dead-letters export` as `send` takes it; any other line as it is. Only a line that is a dead letter by all
 * its marks loses fields: in a hand-written one each of them is a mistake.
 *
 * @returns `null` for a dead letter that holds no request, since what was stored could not be read.
 */
export function withoutItsDeath(fields: Readonly<Record<string, unknown>>): Record<string, unknown> | null {
  const { id, status, deadAt, reason } = fields;
  const isExported = [id, deadAt, reason].every((mark) => typeof mark === 'string') && status === 'dead';
  if (!isExported || !deadReasons.some((known) => known === reason)) return fields;
  if (fields['message'] === null) return null;
  // What the entry doesn't have is `null` there, and left out in a request.
  const kept = Object.entries(fields).filter(([name, value]) => !Object.hasOwn(told, name) && value !== null);
  return Object.fromEntries(kept);
}
