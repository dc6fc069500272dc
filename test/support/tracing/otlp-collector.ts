import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { json } from 'node:stream/consumers';
import { listenOn } from '../../../src/shared/listen.ts';

/** A span as it came over the network. */
export interface CollectedSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  attributes: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
  isError: boolean;
}

export interface OtlpCollector extends AsyncDisposable {
  /** Where exporters send traces to. */
  url: string;
  spans: CollectedSpan[];
}

interface OtlpSpan extends Omit<CollectedSpan, 'attributes' | 'links' | 'isError'> {
  attributes?: { key: string; value: Record<string, unknown> }[];
  links?: CollectedSpan['links'];
  status: { code?: number };
}
interface OtlpTraces {
  resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[];
}

const ERROR = 2;

/** A server that takes spans as the OpenTelemetry collector does: OTLP over HTTP, as JSON. */
export async function startOtlpCollector(): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  const server: Server = createServer((request, response) => {
    void collect(request, spans).then(() => response.setHeader('content-type', 'application/json').end('{}'));
  });
  const port = await listenOn(server, { host: '127.0.0.1', port: 0 }, {}, 'collector');
  return {
    url: `http://127.0.0.1:${port}/v1/traces`,
    spans,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function collect(request: IncomingMessage, spans: CollectedSpan[]): Promise<void> {
  const { resourceSpans } = (await json(request)) as OtlpTraces;
  spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans.map(collected))));
}

function collected({ name, kind, traceId, spanId, parentSpanId, attributes, links, status }: OtlpSpan): CollectedSpan {
  const values = (attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]] as const);
  return {
    name,
    kind,
    traceId,
    spanId,
    parentSpanId,
    attributes: Object.fromEntries(values),
    links: (links ?? []).map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
    isError: status.code === ERROR,
  };
}
