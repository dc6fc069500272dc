import type { Attributes, Span, SpanOptions, Tracer } from '@opentelemetry/api';
import type { OutcomeKind } from '../../shared/model/attempts.ts';
import { loggableError } from '../../shared/errors/loggable-error.ts';
import { contextOf, inContext, isTraced, openTracer } from '../../shared/tracing/open-telemetry.ts';
import { readTraceparent } from '../../shared/tracing/traceparent.ts';
import type { TraceStyle } from '../../shared/config/trace-options.ts';
import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import { createFlood } from '../fleet/flood.ts';
import type { Attempt, TakenHere } from './attempt.ts';
import type { AttemptReport } from './attempt-report.ts';
import type { BeginSpan } from './attempt-span.ts';

/** The OpenTelemetry spans of attempts: one for each attempt, if an SDK collects spans in this process. */
export interface AttemptSpans {
  begin: BeginSpan;
  /** Ends the span of an attempt that its shard has settled. */
  ended(attempt: Attempt, report: AttemptReport): void;
}

export interface AttemptSpansDeps {
  config: { namespace: string; traces: TraceStyle };
  logger: WorkerLogger;
}

// Numbers of enums in the OpenTelemetry API, which is not loaded here.
const CONSUMER = 4;
const ERROR = 2;

const FAILURES = new Set<OutcomeKind>(['rejected', 'failed', 'not-sent', 'unknown']);

export function createAttemptSpans({ config: { namespace, traces }, logger }: AttemptSpansDeps): AttemptSpans {
  const open = new WeakMap<TakenHere, Span>();
  const flood = createFlood();

  /** The SDK is code of others: its faults must not touch the message. */
  function guarded<T>(work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      const errors = flood(1);
      if (errors > 0) {
        logger.warn({ err: loggableError(error), errors }, 'OpenTelemetry threw an error; the worker goes on');
      }
      return null;
    }
  }

  function start(tracer: Tracer, taken: TakenHere): Span {
    const caller = readTraceparent(taken.trace);
    const parent = caller && traces === 'child' ? contextOf({ spanContext: () => caller }) : null;
    const options: SpanOptions = {
      kind: CONSUMER,
      attributes: {
        'messaging.system': 'kitechat-sender',
        'messaging.operation.name': 'deliver',
        'messaging.operation.type': 'process',
        'messaging.destination.name': namespace,
        'messaging.message.id': taken.id,
      },
      // A worker that was started within a span must not become a part of that trace.
      root: parent === null,
      links: caller && parent === null ? [{ context: caller }] : [],
    };
    const name = `deliver ${namespace}`;
    return parent ? tracer.startSpan(name, options, parent) : tracer.startSpan(name, options);
  }

  async function sendIn<T>(span: Span, send: () => Promise<T>): Promise<T> {
    let sending: Promise<T> | undefined;
    guarded(() => {
      const context = contextOf(span);
      if (context) inContext(context, () => void (sending = send()));
    });
    return await (sending ?? send());
  }

  return {
    begin(taken) {
      // Without an SDK, a message costs no more than this.
      if (!isTraced()) return null;
      return guarded(() => {
        const tracer = openTracer();
        if (!tracer) return null;
        const span = start(tracer, taken);
        open.set(taken, span);
        return { around: (send) => sendIn(span, send) };
      });
    },
    ended(attempt, report) {
      if (!isTraced()) return;
      guarded(() => {
        const tracer = openTracer();
        if (!tracer) return;
        const { taken } = attempt;
        // A message that was only put off has had no attempt.
        const hasTried = report.outcome !== null || report.reason !== null;
        const span = open.get(taken) ?? (hasTried ? start(tracer, taken) : null);
        if (!span) return;
        span.setAttributes(attributesOf(attempt, report));
        if (isFailure(report)) span.setStatus({ code: ERROR });
        span.end();
      });
    },
  };
}

function isFailure({ outcome, reason }: AttemptReport): boolean {
  return reason !== null || (outcome !== null && FAILURES.has(outcome));
}

/** The details of a report are left out: an answer of the API may be quoted there. */
function attributesOf({ taken, record, message }: Attempt, report: AttemptReport): Attributes {
  const attributes: Record<string, string | number | null> = {
    'messaging.message.conversation_id': report.conversationId,
    'kitechat.page_id': report.pageId,
    'kitechat.outcome': report.outcome,
    'kitechat.attempt': report.attempt,
    'kitechat.attempts_used': taken.attemptsUsed + (record?.usedAttempt ? 1 : 0),
    'kitechat.attempts_allowed': report.attemptsAllowed,
    'kitechat.next': report.next,
    'kitechat.delay_ms': report.delayMs,
    'kitechat.reason': report.reason,
    'kitechat.replay_of': message.stored?.replayOf ?? null,
    'http.response.status_code': report.httpStatus,
    'error.type': isFailure(report) ? (report.reason ?? report.outcome) : null,
  };
  const known = Object.entries(attributes).filter((entry): entry is [string, string | number] => entry[1] !== null);
  return Object.fromEntries(known);
}
