import type { Context, ContextManager, Span, Tracer, TracerProvider } from '@opentelemetry/api';
import { version } from '../version.ts';

/** What an SDK has registered in this process. */
interface Registered {
  /** The API's proxy of the SDK's provider. */
  trace?: TracerProvider & { getDelegate?(): Sdk };
  context?: ContextManager;
}

/** What SDKs have beside the API. */
interface Sdk {
  forceFlush?(): Promise<void>;
}

/**
 * Where all copies of the OpenTelemetry API 1.x in a process find what an SDK has registered. We look there instead of loading a copy of
 * our own: see decision 22. `test/integration/open-telemetry-contract.test.ts` pins both names.
 */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');
/** The active span in a context. */
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');

const NAME = 'kitechat-sender';

function registered(): Registered | undefined {
  return (globalThis as { [REGISTERED]?: Registered })[REGISTERED];
}

/** Whether an SDK collects the spans of this process. */
export function isTraced(): boolean {
  return registered()?.trace !== undefined;
}

/** Returns our tracer; `null` if no SDK collects spans. */
export function openTracer(): Tracer | null {
  return registered()?.trace?.getTracer(NAME, version) ?? null;
}

export function registeredSdk(): Sdk | undefined {
  return registered()?.trace?.getDelegate?.();
}

/** Returns the span in whose context the caller runs, if there is one. */
export function activeSpan(): Span | undefined {
  return registered()?.context?.active().getValue(SPAN) as Span | undefined;
}

/** Returns a context in which this span is the parent of new ones; `null` if nothing in this process keeps contexts. */
export function contextOf(span: Pick<Span, 'spanContext'>): Context | null {
  return registered()?.context?.active().setValue(SPAN, span) ?? null;
}

/** Calls `work` in a context. What it does asynchronously stays in the context. */
export function inContext(context: Context, work: () => void): void {
  registered()?.context?.with(context, work);
}
