import type { AttemptRecord } from './attempts.ts';
import type { UnknownOutcomePolicy } from './enqueue-options.ts';
import type { StoredRequest } from './stored-message.ts';
import * as z from 'zod';
import { parseResolution, type LetterResolution } from './resolution.ts';
import { isoTime } from './time.ts';
import { parseJson } from '../validation/parse-json.ts';

export const deadReasons = ['rejected', 'exhausted', 'expired', 'unknown-outcome', 'crashed', 'undecodable'] as const;

/**
 * Why a message ended without being delivered.
 *
 * - `rejected`: the API refused it, or the hook `beforeSend` did.
 * - `exhausted`: its attempts were used up.
 * - `expired`: it was older than its TTL.
 * - `unknown-outcome`: nobody can know whether it arrived, and its policy is `dead-letter`.
 * - `crashed`: its worker died in mid-send five times.
 * - `undecodable`: this version can't read or decrypt what is stored, or somebody else has stored or changed it. `problem` says which.
 */
export type DeadReason = (typeof deadReasons)[number];

/** Whether later messages of the conversation are sent, or wait for an operator. */
export const deadLetterPolicies = ['continue', 'hold'] as const;
export type DeadLetterPolicy = (typeof deadLetterPolicies)[number];

/** The API's last answer. */
export interface DeadResponse {
  httpStatus: number;
  /** The body, cut to 2 KiB. */
  body: string;
}

/** The API's answer as a dead letter stores it. It may be encrypted, because it can quote the message. */
export type StoredResponse = DeadResponse | { httpStatus: number; sealed: string };

/** The data of a job of the dead-letter queue. */
export interface DeadLetterPayload {
  /** 2 if content is encrypted. */
  v: 1 | 2;
  reason: DeadReason;
  /** `null` if the stored data is no request. */
  request: StoredRequest | null;
  /** The stored data if it is no request; `{ sealed }` if it is encrypted. */
  stored?: unknown;
  /** Why the stored data could not be read. */
  problem?: string;
  enqueuedAt: string;
  attempts: AttemptRecord[];
  attemptsUsed: number;
  attemptsAllowed: number;
  response: StoredResponse | null;
  label: string | null;
  onUnknownOutcome?: UnknownOutcomePolicy;
  replayOf: string | null;
  /** What an operator found out about an unknown outcome. */
  resolution?: LetterResolution;
}

const ids = { pageId: z.string(), conversationId: z.string() };
const status = { httpStatus: z.number() };

// Lazy, because a process that only stores messages never reads one.
const letterSchema = z.lazy(() =>
  z.looseObject({
    v: z.literal([1, 2]),
    reason: z.enum(deadReasons),
    request: z
      .union([
        z.looseObject({ ...ids, message: z.looseObject({ type: z.string() }) }),
        z.looseObject({ ...ids, sealed: z.string() }),
      ])
      .nullable(),
    problem: z.string().optional(),
    enqueuedAt: z.string(),
    attempts: z.array(z.looseObject({ at: z.string(), outcome: z.string(), detail: z.string().nullable() })),
    attemptsUsed: z.number(),
    attemptsAllowed: z.number(),
    response: z
      .union([z.looseObject({ ...status, body: z.string() }), z.looseObject({ ...status, sealed: z.string() })])
      .nullable(),
    label: z.string().nullable(),
    replayOf: z.string().nullable(),
  }),
);

/** Reads a dead letter from Redis. For unreadable data it returns a letter that can still be listed and discarded. */
export function parseDeadLetter(json: string): DeadLetterPayload {
  const data = parseJson(json);
  // The data itself is returned, not zod's copy: a replay sends exactly what was stored.
  return letterSchema.safeParse(data).success ? withResolution(data as DeadLetterPayload) : unreadable();
}

function withResolution({ resolution: stored, ...letter }: DeadLetterPayload): DeadLetterPayload {
  const resolution = parseResolution(stored);
  return resolution === undefined ? letter : { ...letter, resolution };
}

function unreadable(): DeadLetterPayload {
  return {
    v: 1,
    reason: 'undecodable',
    request: null,
    problem: "this version can't read the entry",
    enqueuedAt: isoTime(0),
    attempts: [],
    attemptsUsed: 0,
    attemptsAllowed: 0,
    response: null,
    label: null,
    replayOf: null,
  };
}
