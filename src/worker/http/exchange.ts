import { describeSafely } from '../../shared/errors/safe-cause.ts';
import type { StopSignal } from './stop-signal.ts';

/** Why an exchange ended without a complete answer. */
export type ExchangeFailure =
  /** No complete answer came within the attempt's time. */
  | { kind: 'timeout' }
  /** The worker gave up the request, shortly before the deadline of its shutdown. */
  | { kind: 'aborted' }
  /** The lock on the message could have ended before the request, so none was begun. */
  | { kind: 'lock-too-short' }
  /** The connection failed, or the answer was invalid. */
  | { kind: 'connection'; code: string }
  /** A hook of the ky instance failed or did not finish in time, so nothing was sent. */
  | { kind: 'hook'; code: string };

/** What happened between the worker and the API in one attempt, before it is judged. */
export interface Exchange {
  /** Whether any byte of the request may have left. Only the socket proves that; error codes don't. */
  reachedSocket: boolean;
  /** `null` until the headers of an answer were seen. */
  httpStatus: number | null;
  retryAfter: string | null;
  /** The header `Date`: the time of the answer by the API's clock. */
  date: string | null;
  /** The header `Age`: how long a cache has kept the answer, in seconds. */
  age: string | null;
  /** The header `Content-Type`. */
  contentType: string | null;
  /** The answer's body as far as it came, decoded and cut to `MAX_BODY_BYTES`. */
  body: string;
  /** `cut`: it has more than `body`, or broke off; `undecoded`: its content encoding could not be removed. */
  bodyState: 'whole' | 'cut' | 'undecoded';
  failure: ExchangeFailure | null;
  durationMs: number;
}

/** An exchange in which nothing has happened yet. */
export function newExchange(failure: ExchangeFailure | null = null): Exchange {
  return {
    reachedSocket: false,
    httpStatus: null,
    retryAfter: null,
    date: null,
    age: null,
    contentType: null,
    body: '',
    bodyState: 'whole',
    failure,
    durationMs: 0,
  };
}

/** Returns why a request must not begin now; `null` if it may. */
export function obstacleTo(request: { startBefore: number; signal: StopSignal | undefined }): ExchangeFailure | null {
  if (request.signal?.aborted) return { kind: 'aborted' };
  return performance.now() > request.startBefore ? { kind: 'lock-too-short' } : null;
}

/** Returns the failure for a thrown value. It keeps only the value's code, the code of its cause, or its name. */
export function exchangeFailure(kind: 'connection' | 'hook', error: unknown): ExchangeFailure {
  const { name, code } = describeSafely(error);
  const cause = error instanceof Error ? describeSafely(error.cause) : undefined;
  return { kind, code: code ?? cause?.code ?? name };
}
