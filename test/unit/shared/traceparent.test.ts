import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { readTraceparent, traceOfCaller } from '../../../src/shared/tracing/traceparent.ts';

const hex = (length: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((text) => !/^0+$/.test(text));

describe('the trace that is stored with a message', () => {
  afterEach(() => context.disable());

  const inSpanOf = (span: { traceId: string; spanId: string; traceFlags: number }): string | undefined =>
    context.with(trace.setSpanContext(context.active(), span), traceOfCaller);

  it('is read as it was written', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const span = fc.record({ traceId: hex(32), spanId: hex(16), traceFlags: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(span, (caller) => {
        expect(readTraceparent(inSpanOf(caller) ?? null)).toEqual({ ...caller, isRemote: true });
      }),
    );
  });

  it('is none for a span without valid ids, or if what the app has registered throws', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    expect(inSpanOf({ traceId: '0'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 })).toBeUndefined();
    expect(inSpanOf({ traceId: 'x', spanId: 'y', traceFlags: 1 })).toBeUndefined();
    context.disable();
    const fails = (): never => {
      throw new Error('a bug in the app');
    };
    const broken = new AsyncLocalStorageContextManager();
    context.setGlobalContextManager(Object.assign(broken, { active: fails }));
    expect(traceOfCaller()).toBeUndefined();
  });

  it('is none for any other text', () => {
    fc.assert(fc.property(fc.string(), (text) => readTraceparent(text) === null));
    expect(readTraceparent(null)).toBeNull();
  });
});
