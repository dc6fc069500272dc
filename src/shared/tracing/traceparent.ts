import type { SpanContext } from '@opentelemetry/api';
import { activeSpan } from './open-telemetry.ts';

/** The header `traceparent` of W3C Trace Context, version 00: <version>-<trace>-<span>-<flags>, and no id of zeros only. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Returns the caller's span as a `traceparent`; `undefined` if there is none, or nobody traces. */
export function traceOfCaller(): string | undefined {
  try {
    const span = activeSpan()?.spanContext();
    return span && traceparentOf(span);
  } catch {
    // Code of the app answers here, and no fault of it may keep a message from being stored.
    return undefined;
  }
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string | undefined {
  const text = `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
  return TRACEPARENT.test(text) ? text : undefined;
}

/** Reads a stored `traceparent`. Others can write to Redis: a text of another form counts as none. */
export function readTraceparent(text: string | null): SpanContext | null {
  const [, traceId, spanId, flags = ''] = TRACEPARENT.exec(text ?? '') ?? [];
  if (traceId === undefined || spanId === undefined) return null;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}
