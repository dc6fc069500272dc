import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Span, SpanKind, trace } from '@opentelemetry/api';

const CHANNELS = {
  begun: 'undici:request:create',
  answered: 'undici:request:trailers',
  failed: 'undici:request:error',
};

/** Makes a span for each request of undici, from the channels that `@opentelemetry/instrumentation-undici` listens to. */
export function traceUndici(): Disposable {
  const open = new WeakMap<object, Span>();
  const begin = (message: unknown): void => {
    const { request } = message as { request: { method: string } };
    const span = trace.getTracer('undici').startSpan(request.method, { kind: SpanKind.CLIENT });
    open.set(request, span);
  };
  const end = (message: unknown): void => open.get((message as { request: object }).request)?.end();
  const listeners = [
    [CHANNELS.begun, begin],
    [CHANNELS.answered, end],
    [CHANNELS.failed, end],
  ] as const;
  for (const [channel, listener] of listeners) subscribe(channel, listener);
  return {
    [Symbol.dispose]() {
      for (const [channel, listener] of listeners) unsubscribe(channel, listener);
    },
  };
}
