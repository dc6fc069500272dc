import type { AttemptRecord } from './attempts.ts';
import type { UnknownOutcomePolicy } from './enqueue-options.ts';
import type { StoredRequest, StoredResponse } from './sealing/sealed-content.ts';

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
  /** 2: content is encrypted. */
  v: 1 | 2;
  reason: DeadReason;
  /** `null` if what was stored is no request. */
  request: StoredRequest | null;
  /** What was stored instead, `{ sealed }` if it is encrypted. */
  stored?: unknown;
  /** Why it could not be read. */
  problem?: string;
  enqueuedAt: string;
  attempts: AttemptRecord[];
  attemptsUsed: number;
  attemptsAllowed: number;
  response: StoredResponse | null;
  label: string | null;
  onUnknownOutcome?: UnknownOutcomePolicy;
  replayOf: string | null;
}
