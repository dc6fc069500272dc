import { z } from 'zod';

/** How one attempt to send ended; see `docs` of the outcomes in ARCHITECTURE.md. */
const outcomeKinds = ['delivered', 'rejected', 'failed', 'unknown', 'not-sent', 'held'] as const;
export type OutcomeKind = (typeof outcomeKinds)[number];

/** One attempt in a message's history. */
export interface AttemptRecord {
  /** ISO time at which the attempt began. */
  at: string;
  outcome: OutcomeKind;
  detail: string | null;
  httpStatus: number | null;
  durationMs: number;
  /** Whether it counts towards the attempts that a message is allowed. */
  usedAttempt: boolean;
}

/** An attempt that has just ended: its time is made text only for those who read it. */
export type NewAttempt = Omit<AttemptRecord, 'at'> & { atMs: number };

/** Entries that a history keeps; the oldest go first. A message can wait out an outage of days. */
export const MAX_HISTORY = 50;
/** The last moment that a `Date` can be. */
const MAX_TIME_MS = 8_640_000_000_000_000;

type StoredAttempt = [
  at: number,
  outcome: OutcomeKind,
  detail: string | null,
  status: number | null,
  ms: number,
  used: 0 | 1,
];

/** One line of the history as Redis keeps it. */
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

/** Reads a history. A line that is no attempt, which others have written, is left out: it must not keep a message from its end. */
export function decodeHistory(history: string): AttemptRecord[] {
  if (history === '') return [];
  return history.split('\n').flatMap((line) => {
    const stored = storedAttempt.safeParse(parsed(line)).data;
    if (stored === undefined) return [];
    const [at, outcome, detail, httpStatus, durationMs, used] = stored;
    return [{ at: new Date(at).toISOString(), outcome, detail, httpStatus, durationMs, usedAttempt: used === 1 }];
  });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
