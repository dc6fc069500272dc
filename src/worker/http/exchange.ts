import { describeSafely } from '../../shared/errors/safe-cause.ts';
import type { StopSignal } from './stop-signal.ts';

/** Why an exchange ended without a whole answer. */
export type ExchangeFailure =
  /** No whole answer within the attempt's time. */
  | { kind: 'timeout' }
  /** We gave up: a shutdown at its deadline, or the lock on the message was lost. */
  | { kind: 'aborted' }
  /** The lock on the message was too short for a request, so none was begun. */
  | { kind: 'lock-too-short' }
  /** The connection or the answer was at fault. */
  | { kind: 'connection'; code: string }
  /** A hook of the ky instance failed or did not end, so nothing was sent. */
  | { kind: 'hook'; code: string };

/** What happened between us and the API in one attempt: facts, not yet judged. */
export interface Exchange {
  /** Whether any byte of the request may have left. Error codes can't tell; only the socket can. */
  reachedSocket: boolean;
  /** `null` until the headers of an answer were seen. */
  httpStatus: number | null;
  retryAfter: string | null;
  /** The header `Date`: when the API answered, by its own clock. */
  date: string | null;
  /** What came of the answer's body, cut. */
  body: string;
  failure: ExchangeFailure | null;
  durationMs: number;
}

/** An exchange in which nothing has happened yet. */
export function newExchange(failure: ExchangeFailure | null = null): Exchange {
  return { reachedSocket: false, httpStatus: null, retryAfter: null, date: null, body: '', failure, durationMs: 0 };
}

/** Returns why a request must not begin now; `null` if it may. */
export function obstacleTo(request: { startBefore: number; signal: StopSignal | undefined }): ExchangeFailure | null {
  if (request.signal?.aborted) return { kind: 'aborted' };
  return performance.now() > request.startBefore ? { kind: 'lock-too-short' } : null;
}

/** The failure that a thrown value stands for. Of the value only a code or a name is kept: its own code, or that of its cause. */
export function failureOf(kind: 'connection' | 'hook', error: unknown): ExchangeFailure {
  const { name, code } = describeSafely(error);
  const cause = error instanceof Error ? describeSafely(error.cause) : undefined;
  return { kind, code: code ?? cause?.code ?? name };
}

/** What is kept of an answer's body. */
export const MAX_BODY_BYTES = 64 * 1024;

/** The beginning of an answer's body, as it comes in. */
export interface AnswerBody {
  /** @returns `false` when no more is kept: the rest need not be read. */
  add(chunk: Uint8Array): boolean;
  text(): string;
}

/** It leaves out the byte order mark that some servers begin with, and that JSON.parse refuses. */
const decoder = new TextDecoder();

export function createAnswerBody(): AnswerBody {
  const chunks: Uint8Array[] = [];
  let room = MAX_BODY_BYTES;

  return {
    add(chunk) {
      chunks.push(chunk.subarray(0, room));
      room = Math.max(0, room - chunk.length);
      return room > 0;
    },
    text: () => decoder.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)),
  };
}
