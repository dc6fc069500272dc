import * as z from 'zod';
import { parseJson } from '../validation/parse-json.ts';

const outcomeKinds = ['delivered', 'rejected', 'failed', 'unknown', 'not-sent', 'held'] as const;

/**
 * How one attempt to send ended.
 *
 * - `delivered`: the API accepted the message, or the hook `resolveUnknown` found that it had, and nothing was sent.
 * - `rejected`: the API refused this message for good, or the hook `beforeSend` did, and nothing was sent.
 * - `failed`: the hook `classifyResponse` asked for another attempt.
 * - `unknown`: the request left, and nobody can know whether the API accepted it.
 * - `not-sent`: the request provably did not leave.
 * - `held`: the API refused for a reason that is not the message's, such as a limit or a key, or the hook `beforeSend` put it off.
 */
export type OutcomeKind = (typeof outcomeKinds)[number];

/** One attempt in a message's history. */
export interface AttemptRecord {
  /** ISO time at which the attempt began. */
  at: string;
  outcome: OutcomeKind;
  detail: string | null;
  httpStatus: number | null;
  durationMs: number;
  /** Whether it used one of the message's attempts. */
  usedAttempt: boolean;
}

/** An attempt that has just ended, with its time as a number. */
export type NewAttempt = Omit<AttemptRecord, 'at'> & { atMs: number };

/** The most entries of a history; older ones are dropped. A message can have any number of attempts in a long outage. */
export const MAX_HISTORY = 50;
/** Longer than any history that workers leave. Others can write to Redis, too. */
const MAX_HISTORY_LENGTH = 128 * 1024;
/** The latest time of a `Date`. */
const MAX_TIME_MS = 8_640_000_000_000_000;

type StoredAttempt = [
  at: number,
  outcome: OutcomeKind,
  detail: string | null,
  status: number | null,
  ms: number,
  used: 0 | 1,
];

/** Returns the line of the history that Redis stores. */
export function encodeAttempt(attempt: NewAttempt): string {
  const stored: StoredAttempt = [
    attempt.atMs,
    attempt.outcome,
    attempt.detail,
    attempt.httpStatus,
    attempt.durationMs,
    attempt.usedAttempt ? 1 : 0,
  ];
  return JSON.stringify(stored);
}

const storedAttempt = z.tuple(
  [
    z.number().min(0).max(MAX_TIME_MS),
    z.enum(outcomeKinds),
    z.string().nullable(),
    z.number().nullable(),
    z.number(),
    z.literal([0, 1]),
  ],
  z.unknown(),
);

/**
 * Reads a history. Skips lines that are no attempts, and a history that is too long: others may have written them, and they must not stop
 * the message.
 */
export function decodeHistory(history: string): AttemptRecord[] {
  if (history === '' || history.length > MAX_HISTORY_LENGTH) return [];
  return history.split('\n').flatMap((line) => {
    const stored = storedAttempt.safeParse(parseJson(line)).data;
    if (stored === undefined) return [];
    const [at, outcome, detail, httpStatus, durationMs, used] = stored;
    return [{ at: new Date(at).toISOString(), outcome, detail, httpStatus, durationMs, usedAttempt: used === 1 }];
  });
}
