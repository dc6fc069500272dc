import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace';
import { expect, it } from 'vitest';
import { activeSpan, contextOf, inContext, openTracer } from '../../src/shared/tracing/open-telemetry.ts';
import { registerSdk } from '../support/tracing/register-sdk.ts';

/** What we take for granted of the OpenTelemetry API, which we don't load. It runs on every upgrade. */
it('finds what an SDK has registered through the API, and nothing before and after', async () => {
  const nothing = (): unknown[] => [openTracer(), activeSpan(), contextOf(trace.wrapSpanContext(someSpan))];
  const someSpan = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
  expect(nothing()).toEqual([null, undefined, null]);
  {
    await using _sdk = registerSdk(new InMemorySpanExporter());
    const span = openTracer()?.startSpan('by our tracer');
    expect(span?.isRecording()).toBe(true);
    expect(activeSpan()).toBeUndefined();
    expect(span && context.with(trace.setSpan(ROOT_CONTEXT, span), activeSpan)).toBe(span);
    const ours = span && contextOf(span);
    expect(ours && trace.getSpan(ours)).toBe(span);
    let seen: unknown;
    if (ours) inContext(ours, () => (seen = trace.getActiveSpan()));
    expect(seen).toBe(span);
  }
  expect(nothing()).toEqual([null, undefined, null]);
});

it('has the numbers that we use', () => {
  expect([SpanKind.CONSUMER, SpanStatusCode.ERROR]).toEqual([4, 2]);
});
