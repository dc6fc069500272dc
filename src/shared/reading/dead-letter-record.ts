import type { AttemptRecord } from '../model/attempts.ts';
import type { DeadLetterPayload, DeadReason, DeadResponse } from '../model/dead-letter.ts';
import type { UnknownOutcomePolicy } from '../model/enqueue-options.ts';
import type { SendRequest } from '../model/message.ts';
import type { LetterResolution } from '../model/resolution.ts';
import { openRequest, openResponse } from '../sealing/content.ts';
import { NO_KEYS, type Sealing } from '../sealing/sealing.ts';

/** A message that ended without being delivered, with all that is known about it. */
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
  /** The policy given when the message was enqueued; missing if it used the installation's. `send` of an exported line uses it again. */
  onUnknownOutcome?: UnknownOutcomePolicy;
  reason: DeadReason;
  deadAt: string;
  /** `null` if the stored request can't be read. */
  request: SendRequest | null;
  /** Why the request can't be read; for `undecodable`, why it could not be read when the message died. Missing otherwise. */
  problem?: string;
  /** The API's last answer; `null` if there was none. */
  response: DeadResponse | null;
  /** The id of the dead letter that this message replayed; `null` if it was no replay. */
  replayOf: string | null;
  /** When the entry is removed. */
  expiresAt: string;
  /** What an operator found out about an unknown outcome. Missing if nobody did. */
  resolution?: LetterResolution;
}

export function deadLetterRecord(
  { id, payload, deadAtMs }: { id: string; payload: DeadLetterPayload; deadAtMs: number },
  { keepDeadMs, sealing = NO_KEYS }: { keepDeadMs: number; sealing?: Sealing },
): DeadLetterRecord {
  const opened = payload.request && openRequest(sealing, id, payload.request);
  const problem = opened && 'problem' in opened ? opened.problem : payload.problem;
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
    request: opened && 'request' in opened ? opened.request : null,
    ...(problem === undefined ? {} : { problem }),
    response: payload.response && openResponse(sealing, id, payload.response),
    replayOf: payload.replayOf,
    expiresAt: new Date(deadAtMs + keepDeadMs).toISOString(),
    ...(payload.resolution === undefined ? {} : { resolution: payload.resolution }),
  };
}
