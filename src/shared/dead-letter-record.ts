import type { AttemptRecord } from './attempts.ts';
import type { DeadLetterPayload, DeadReason, DeadResponse } from './dead-letter.ts';
import type { UnknownOutcomePolicy } from './enqueue-options.ts';
import type { SendRequest } from './message.ts';

/** A message that could not be delivered, and all that is known about it. */
export interface DeadLetterRecord {
  /** The message's id. */
  id: string;
  pageId: string | null;
  conversationId: string | null;
  status: 'dead';
  enqueuedAt: string;
  attemptsUsed: number;
  attemptsAllowed: number;
  attempts: AttemptRecord[];
  nextAttemptAt: null;
  label: string | null;
  /** As the message was enqueued; left out if it kept to the installation's. A line of an export that is sent again keeps to it. */
  onUnknownOutcome?: UnknownOutcomePolicy;
  reason: DeadReason;
  deadAt: string;
  /** `null` if what was stored can't be read. */
  request: SendRequest | null;
  /** The API's last answer; `null` if there was none. */
  response: DeadResponse | null;
  /** The dead letter that this message had sent again. */
  replayOf: string | null;
  /** When the entry is removed. */
  expiresAt: string;
}

export function deadLetterRecord(
  id: string,
  payload: DeadLetterPayload,
  deadAtMs: number,
  keepDeadMs: number,
): DeadLetterRecord {
  return {
    id,
    pageId: payload.request?.pageId ?? null,
    conversationId: payload.request?.conversationId ?? null,
    status: 'dead',
    enqueuedAt: payload.enqueuedAt,
    attemptsUsed: payload.attemptsUsed,
    attemptsAllowed: payload.attemptsAllowed,
    attempts: payload.attempts,
    nextAttemptAt: null,
    label: payload.label,
    ...(payload.onUnknownOutcome === undefined ? {} : { onUnknownOutcome: payload.onUnknownOutcome }),
    reason: payload.reason,
    deadAt: new Date(deadAtMs).toISOString(),
    request: payload.request,
    response: payload.response,
    replayOf: payload.replayOf,
    expiresAt: new Date(deadAtMs + keepDeadMs).toISOString(),
  };
}
