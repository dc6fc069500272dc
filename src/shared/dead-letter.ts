import type { AttemptRecord } from './attempts.ts';
import type { UnknownOutcomePolicy } from './enqueue-options.ts';
import type { SendRequest } from './message.ts';

/** Why a message ended without being delivered. */
export const deadReasons = ['rejected', 'exhausted', 'expired', 'unknown-outcome', 'crashed', 'undecodable'] as const;
export type DeadReason = (typeof deadReasons)[number];

/** Whether later messages of the conversation go on, or wait for an operator. */
export const deadLetterPolicies = ['continue', 'hold'] as const;
export type DeadLetterPolicy = (typeof deadLetterPolicies)[number];

/** The API's last answer. */
export interface DeadResponse {
  httpStatus: number;
  /** Cut to 2 KiB. */
  body: string;
}

/** What a job of the dead-letter queue carries. */
export interface DeadLetterPayload {
  v: 1;
  reason: DeadReason;
  /** `null` if the stored request can't be read. */
  request: SendRequest | null;
  /** What was stored, if the request can't be read. */
  stored?: unknown;
  enqueuedAt: string;
  attempts: AttemptRecord[];
  attemptsUsed: number;
  attemptsAllowed: number;
  response: DeadResponse | null;
  label: string | null;
  onUnknownOutcome?: UnknownOutcomePolicy;
  replayOf: string | null;
}
