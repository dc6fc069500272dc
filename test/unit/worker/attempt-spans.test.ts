import { context, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { reportOf } from '../../../src/worker/message/attempt-report.ts';
import { createAttemptSpans } from '../../../src/worker/message/attempt-spans.ts';
import type { Attempt, TakenHere } from '../../../src/worker/message/attempt.ts';
import { takenMessage } from '../../support/taken.ts';
import { registerSdk } from '../../support/tracing/register-sdk.ts';

const CALLER = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
const TRACE = `00-${CALLER.traceId}-${CALLER.spanId}-01`;

function spansOf(traces: 'link' | 'child' = 'link') {
  const warnings: unknown[] = [];
  const fail = (): never => {
    throw new Error('only warnings are expected');
  };
  const logger = { debug: fail, info: fail, error: fail, warn: (fields: unknown) => void warnings.push(fields) };
  return { spans: createAttemptSpans({ config: { namespace: 'shop', traces }, logger }), warnings };
}

/** An attempt of a message whose request was `left` unanswered when its worker died, or that was not begun. */
function attemptOf(taken: TakenHere, more: Pick<Attempt, 'decision' | 'record'>): Attempt {
  return { taken, message: { stored: null, body: null, problem: null }, policy: 'resend', sent: null, ...more };
}

const died = {
  atMs: 0,
  outcome: 'unknown',
  detail: 'it died',
  httpStatus: null,
  durationMs: 0,
  usedAttempt: true,
} as const;

describe('the span of an attempt', () => {
  it('that was found open after its worker had died is made when it is settled', async () => {
    const exporter = new InMemorySpanExporter();
    await using _sdk = registerSdk(exporter);
    const { spans } = spansOf();
    const taken = takenMessage({ verdict: 'unknown', trace: TRACE, attemptsUsed: 2 });
    const attempt = attemptOf(taken, { decision: { kind: 'backoff', delayMs: 5 }, record: died });
    const settlement = { kind: 'backoff', delayMs: 5 } as const;
    spans.ended(attempt, reportOf({ attempt, settlement }, { verdict: 'done', delayMs: 5 }, 8));
    expect(exporter.getFinishedSpans()).toMatchObject([
      {
        attributes: { 'kitechat.outcome': 'unknown', 'kitechat.attempts_used': 3, 'kitechat.next': 'backoff' },
        links: [{ context: CALLER }],
        status: { code: 2 },
      },
    ]);
  });

  it('is not made for a message that is put off without an attempt', async () => {
    const exporter = new InMemorySpanExporter();
    await using _sdk = registerSdk(exporter);
    const { spans } = spansOf();
    const attempt = attemptOf(takenMessage({ trace: TRACE }), { decision: { kind: 'hold', delayMs: 5 }, record: null });
    spans.ended(
      attempt,
      reportOf({ attempt, settlement: { kind: 'hold', delayMs: 5 } }, { verdict: 'done', delayMs: 5 }, 8),
    );
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  it('is linked where nothing in the process keeps contexts', async () => {
    const exporter = new InMemorySpanExporter();
    await using _sdk = registerSdk(exporter);
    context.disable();
    const { spans } = spansOf('child');
    const taken = takenMessage({ trace: TRACE });
    expect(await spans.begin(taken)?.around(async () => await Promise.resolve('sent'))).toBe('sent');
    const attempt = attemptOf(taken, {
      decision: { kind: 'delivered', proof: 'api' },
      record: { ...died, outcome: 'delivered' },
    });
    const settlement = { kind: 'delivered', elapsedMs: 1 } as const;
    spans.ended(attempt, reportOf({ attempt, settlement }, { verdict: 'done', delayMs: 0 }, 8));
    expect(exporter.getFinishedSpans()).toMatchObject([{ links: [{ context: CALLER }], status: { code: 0 } }]);
  });

  it('costs no message its attempt when the SDK fails: the request is made once, and a warning tells of it', async () => {
    const fails = (): never => {
      throw new Error('a bug in a span processor');
    };
    const processor: SpanProcessor = {
      onStart: fails,
      onEnd: fails,
      forceFlush: async () => await Promise.resolve(),
      shutdown: async () => await Promise.resolve(),
    };
    await using _sdk = registerSdk(new InMemorySpanExporter(), [processor]);
    const { spans, warnings } = spansOf();
    expect(spans.begin(takenMessage())).toBeNull();
    expect(spans.begin(takenMessage())).toBeNull();
    expect(warnings).toMatchObject([{ errors: 1 }]);
    expect(JSON.stringify(warnings)).not.toContain('a bug in');
  });

  it.each(['before it calls', 'after it has called'])(
    'makes one request when the context manager fails %s',
    async (when) => {
      await using _sdk = registerSdk(new InMemorySpanExporter());
      const { spans } = spansOf();
      const span = spans.begin(takenMessage());
      const [manager] = [(globalThis as never)[Symbol.for('opentelemetry.js.api.1') as never] as { context: object }];
      Object.assign(manager.context, {
        with: (_context: unknown, work: () => void) => {
          if (when.startsWith('after')) work();
          throw new Error('a bug in a context manager');
        },
      });
      let requests = 0;
      await span?.around(async () => await Promise.resolve((requests += 1)));
      expect(requests).toBe(1);
      expect(trace.getActiveSpan()).toBeUndefined();
    },
  );
});
