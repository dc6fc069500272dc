import type { StopSignal } from './stop-signal.ts';

/** One POST, and the limits of its attempt. */
export interface HttpRequest {
  origin: string;
  path: string;
  headers: Record<string, string>;
  body: string | Uint8Array<ArrayBuffer>;
  timeoutMs: number;
  /** The last moment at which the request may begin, on the clock of `performance.now()`. */
  startBefore: number;
  signal: StopSignal | undefined;
  /** Receives the headers of the answer, before its body. */
  onHeaders?: (headers: AnswerHeaders) => void;
}

/** The answer's headers, as the pool or a `fetch` returns them. */
export type AnswerHeaders = Headers | Record<string, string | string[] | undefined>;
