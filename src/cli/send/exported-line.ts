import type { DeadLetterEntry } from '../../dead-letters/index.ts';
import { deadReasons } from '../../shared/model/dead-letter.ts';
import type { EnqueueOptions } from '../../shared/model/enqueue-options.ts';
import type { SendRequest } from '../../shared/model/message.ts';

type Told = Exclude<keyof DeadLetterEntry, keyof SendRequest | keyof EnqueueOptions>;

/** The fields of an exported line that describe the dead letter and are not part of a new message. */
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
  resolution: true,
};

/**
 * Turns a line of `dead-letters export` into one that `send` accepts; any other line stays unchanged. Only a line with all
 * marks of a dead letter loses fields: in a hand-written line each of these fields is a mistake.
 *
 * @returns `null` for a dead letter without a message, since the stored message could not be read.
 */
export function withoutItsDeath(fields: Readonly<Record<string, unknown>>): Record<string, unknown> | null {
  const { id, status, deadAt, reason } = fields;
  const isExported = [id, deadAt, reason].every((mark) => typeof mark === 'string') && status === 'dead';
  if (!isExported || !deadReasons.some((known) => known === reason)) return fields;
  if (fields['message'] === null) return null;
  // An absent option is `null` in an entry, and left out in a request.
  const kept = Object.entries(fields).filter(([name, value]) => !Object.hasOwn(told, name) && value !== null);
  return Object.fromEntries(kept);
}
