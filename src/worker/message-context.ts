import type { Job } from 'bullmq';
import type { AttemptRecord } from '../shared/attempts.ts';
import type { DeadLetterPayload, DeadReason, DeadResponse } from '../shared/dead-letter.ts';
import type { Claimed } from '../shared/lanes/claim.ts';
import type { MessagePayload } from '../shared/payload.ts';

/** What is at hand about a claimed message while it is worked on. */
export interface MessageContext {
  job: Job;
  id: string;
  token: string;
  /** `null` if the stored data can't be read by this version. */
  payload: MessagePayload | null;
  claimed: Claimed;
}

/** What a dead letter tells of a message, whether a worker had claimed it or not. */
export interface DyingMessage {
  job: Pick<Job, 'data' | 'timestamp'>;
  payload: MessagePayload | null;
  claimed: Pick<Claimed, 'attemptsUsed' | 'history'>;
}

/** How a message ended. */
export interface Death {
  reason: DeadReason;
  /** The last attempt, if there was one. */
  record: AttemptRecord | null;
  response: DeadResponse | null;
  attemptsAllowed: number;
}

const MAX_RESPONSE_BYTES = 2048;

/** The dead letter of a message, with all that an operator needs to judge and repeat it. */
export function deadLetterOf(
  { job, payload, claimed }: DyingMessage,
  { reason, record, response, attemptsAllowed }: Death,
): DeadLetterPayload {
  return {
    v: 1,
    reason,
    request: payload?.request ?? null,
    ...(payload ? {} : { stored: job.data }),
    enqueuedAt: new Date(job.timestamp).toISOString(),
    attempts: record ? [...claimed.history, record] : claimed.history,
    attemptsUsed: claimed.attemptsUsed + (record?.usedAttempt ? 1 : 0),
    attemptsAllowed,
    response,
    label: payload?.label ?? null,
    ...(payload?.onUnknownOutcome ? { onUnknownOutcome: payload.onUnknownOutcome } : {}),
    replayOf: payload?.replayOf ?? null,
  };
}

/** The API's answer as a dead letter keeps it, cut to 2 KiB of UTF-8. */
export function cutResponse(httpStatus: number | null, body: string): DeadResponse | null {
  if (httpStatus === null) return null;
  const bytes = Buffer.from(body);
  if (bytes.length <= MAX_RESPONSE_BYTES) return { httpStatus, body };
  // A character that the cut goes through is left out whole.
  const cut = new TextDecoder('utf-8').decode(bytes.subarray(0, MAX_RESPONSE_BYTES), { stream: true });
  return { httpStatus, body: cut };
}
