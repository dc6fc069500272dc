import type { TakenHere } from './attempt.ts';

/** The OpenTelemetry span of an attempt that sends. */
export interface AttemptSpan {
  /** Calls `send`, which then runs in the context of the span: spans of the HTTP client are its children. */
  around<T>(send: () => Promise<T>): Promise<T>;
}

/** Begins the span of an attempt that is about to send. @returns `null` if nobody collects spans */
export type BeginSpan = (taken: TakenHere) => AttemptSpan | null;
