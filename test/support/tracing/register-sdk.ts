import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { SimpleSpanProcessor, type SpanExporter, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { traceUndici } from './undici-spans.ts';

export interface RegisteredSdk extends AsyncDisposable {
  /** Waits until all spans that have ended are exported. */
  flush(): Promise<void>;
}

/** Registers an SDK in this process, as the file that an app loads first does, until it is disposed of. */
export function registerSdk(exporter: SpanExporter, more: readonly SpanProcessor[] = []): RegisteredSdk {
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter }), ...more] });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const undici = traceUndici();
  return {
    flush: async () => await provider.forceFlush(),
    async [Symbol.asyncDispose]() {
      undici[Symbol.dispose]();
      trace.disable();
      context.disable();
      await provider.shutdown();
    },
  };
}
