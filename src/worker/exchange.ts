import { describeSafely } from '../shared/safe-cause.ts';

/** Why an exchange ended without a whole answer. */
export type ExchangeFailure =
  /** No whole answer within the attempt's time. */
  | { kind: 'timeout' }
  /** We gave up: a shutdown at its deadline, or the lock on the message was lost. */
  | { kind: 'aborted' }
  /** The lock on the message was too short for a request, so none was begun. */
  | { kind: 'lock-too-short' }
  /** The connection or the answer was at fault. */
  | { kind: 'connection'; code: string };

/** What happened between us and the API in one attempt: facts, not yet judged. */
export interface Exchange {
  /** Whether any byte of the request may have left. Error codes can't tell; only the socket can. */
  reachedSocket: boolean;
  /** `null` until the headers of an answer were seen. */
  httpStatus: number | null;
  retryAfter: string | null;
  /** What came of the answer's body, cut. */
  body: string;
  failure: ExchangeFailure | null;
  durationMs: number;
}

/** What may be told of an error that a connection or a caller's `fetch` gave us: its code, or that of its cause, or its name. */
export function connectionFailure(error: unknown): ExchangeFailure {
  const { name, code } = describeSafely(error);
  const cause = error instanceof Error ? describeSafely(error.cause) : undefined;
  return { kind: 'connection', code: code ?? cause?.code ?? name };
}
