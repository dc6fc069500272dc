import type { Job } from 'bullmq';
import type { AttemptRecord } from '../shared/attempts.ts';
import type { DeadLetterPayload, DeadReason, DeadResponse } from '../shared/dead-letter.ts';
import type { Claimed } from '../shared/lanes/claim.ts';
import { isoTime } from '../shared/iso-time.ts';
import type { StoredPayload } from '../shared/payload.ts';
import { sealRequest, sealResponse } from '../shared/sealing/sealed-content.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';
import { keptData } from './kept-data.ts';

/** What is at hand about a claimed message while it is worked on. */
export interface MessageContext {
  job: Job;
  id: string;
  token: string;
  /** `null` if the stored data can't be read by this version. */
  payload: StoredPayload | null;
  claimed: Claimed;
}

/** What a dead letter tells of a message, whether a worker had claimed it or not. */
export interface DyingMessage {
  id: string;
  job: Pick<Job, 'data' | 'timestamp'>;
  payload: StoredPayload | null;
  claimed: Pick<Claimed, 'attemptsUsed' | 'history'>;
}

/** How a message ended. */
export interface Death {
  reason: DeadReason;
  /** The last attempt, if there was one. */
  record: AttemptRecord | null;
  response: DeadResponse | null;
  attemptsAllowed: number;
  /** Why it could not be read. */
  problem?: string | undefined;
}

const MAX_RESPONSE_BYTES = 2048;

/** What is told of a job whose data is no message of this version. */
export const NO_MESSAGE = 'what was stored is no message that this version knows';

/** The dead letter of a message, with all that an operator needs to judge and repeat it, encrypted if there are keys. */
export function deadLetterOf(
  { id, job, payload, claimed }: DyingMessage,
  { reason, record, response, attemptsAllowed, problem }: Death,
  sealing: Sealing,
): DeadLetterPayload {
  const request = payload && sealRequest(sealing, id, payload.request);
  const kept = payload ? null : keptData(job.data ?? null);
  const stored = payload ? null : sealing.seal(JSON.stringify(kept), ['stored', id]);
  const isSealed = stored !== null || (request !== null && 'sealed' in request);
  return {
    v: isSealed ? 2 : 1,
    reason,
    request,
    ...(payload ? {} : { stored: stored === null ? kept : { sealed: stored } }),
    ...(problem === undefined ? {} : { problem }),
    enqueuedAt: isoTime(job.timestamp),
    attempts: record ? [...claimed.history, record] : claimed.history,
    attemptsUsed: claimed.attemptsUsed + (record?.usedAttempt ? 1 : 0),
    attemptsAllowed,
    response: response && sealResponse(sealing, id, response),
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
