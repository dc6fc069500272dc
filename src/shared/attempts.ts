/** How one attempt to send ended; see `docs` of the outcomes in ARCHITECTURE.md. */
export type OutcomeKind = 'delivered' | 'rejected' | 'failed' | 'unknown' | 'not-sent' | 'held';

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

/** Entries that a history keeps; the oldest go first. A message can wait out an outage of days. */
export const MAX_HISTORY = 50;

type StoredAttempt = [
  at: number,
  outcome: OutcomeKind,
  detail: string | null,
  status: number | null,
  ms: number,
  used: 0 | 1,
];

/** One line of the history as Redis keeps it. */
export function encodeAttempt(attempt: AttemptRecord): string {
  const stored: StoredAttempt = [
    Date.parse(attempt.at),
    attempt.outcome,
    attempt.detail,
    attempt.httpStatus,
    attempt.durationMs,
    attempt.usedAttempt ? 1 : 0,
  ];
  return JSON.stringify(stored);
}

export function decodeHistory(history: string): AttemptRecord[] {
  if (history === '') return [];
  return history.split('\n').map((line) => {
    const [at, outcome, detail, httpStatus, durationMs, used] = JSON.parse(line) as StoredAttempt;
    return { at: new Date(at).toISOString(), outcome, detail, httpStatus, durationMs, usedAttempt: used === 1 };
  });
}
