/**
 * Draws docs/trace.svg from the spans of a message whose first attempt fails: a Redis, a fake API, a producer and a worker in this process.
 *
 *   node scripts/trace-picture.ts
 */
import { writeFileSync } from 'node:fs';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { createProducer } from '../src/producer/index.ts';
import { startFakeKitechat } from '../src/testing/index.ts';
import { startRedisServer } from '../src/testing/redis/redis-server.ts';
import { createWorker } from '../src/worker/index.ts';
import { registerSdk } from '../test/support/tracing/register-sdk.ts';
import { type DrawnSpan, drawTrace } from './trace-picture/draw-trace.ts';

const FILE = new URL('../docs/trace.svg', import.meta.url);
const TITLE = 'A message whose first attempt failed: three traces with links';
const UNKNOWN_ID = '0-01ARZ3NDEKTSV4RRFFQ69G5FAV';
const order = {
  pageId: 'p1',
  conversationId: 'c1',
  message: { type: 'text', text: 'Your order is on its way' },
} as const;

async function spansOfOneMessage(): Promise<ReadableSpan[]> {
  await using stack = new AsyncDisposableStack();
  const exporter = new InMemorySpanExporter();
  const redis = await startRedisServer();
  stack.defer(async () => await redis.stop());
  const api = stack.use(
    await startFakeKitechat({ latencyMs: 60, faults: [{ kind: 'status', status: 500, times: 1 }] }),
  );
  const producer = stack.use(createProducer({ redisUrl: redis.url }));
  // The connection is open before the message that is drawn.
  await producer.getMessage(UNKNOWN_ID);
  const sdk = stack.use(registerSdk(exporter));
  const worker = createWorker({
    redisUrl: redis.url,
    apiUrl: api.url,
    apiKey: 'key',
    backoffMs: 400,
    logLevel: 'silent',
  });
  const ended = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<void>();
  worker.on('attempt', ({ next }) => next === 'delivered' && ended.resolve());
  worker.on('ready', ready.resolve);
  const running = worker.run();
  stack.defer(async () => {
    await worker.close();
    await running;
  });
  await ready.promise;
  await trace.getTracer('shop').startActiveSpan('POST /orders', async (span) => {
    await producer.enqueueMessage(order);
    span.end();
  });
  await ended.promise;
  await sdk.flush();
  return exporter.getFinishedSpans();
}

function msOf([seconds, nanoseconds]: ReadableSpan['startTime']): number {
  return seconds * 1000 + nanoseconds / 1e6;
}

function noteOf({ attributes }: ReadableSpan): string {
  const of = (name: string): string => JSON.stringify(attributes[name]).replaceAll('"', '');
  if (attributes['kitechat.outcome'] === undefined) return '';
  const wait = attributes['kitechat.delay_ms'] === undefined ? '' : ` of ${of('kitechat.delay_ms')} ms`;
  const came = `HTTP ${of('http.response.status_code')}, ${of('kitechat.outcome')}`;
  return `attempt ${of('kitechat.attempt')}: ${came} → ${of('kitechat.next')}${wait}`;
}

function kindOf({ parentSpanContext, links }: ReadableSpan): DrawnSpan['kind'] {
  if (parentSpanContext !== undefined) return 'request';
  return links.length > 0 ? 'worker' : 'app';
}

function drawn(spans: readonly ReadableSpan[]): DrawnSpan[] {
  // An attempt and its request may begin in the same millisecond.
  const begins = ({ startTime, parentSpanContext: parent }: ReadableSpan): number => msOf(startTime) + (parent ? 1 : 0);
  const inOrder = spans.toSorted((one, other) => begins(one) - begins(other));
  const ids = inOrder.map((span) => span.spanContext().spanId);
  const start = Math.min(...inOrder.map(({ startTime }) => msOf(startTime)));
  return inOrder.map((span) => {
    const [linked] = span.links;
    const kind = kindOf(span);
    return {
      label: span.name,
      note: noteOf(span),
      startMs: msOf(span.startTime) - start,
      endMs: msOf(span.endTime) - start,
      depth: kind === 'request' ? 1 : 0,
      kind,
      isError: span.status.code === SpanStatusCode.ERROR,
      linkTo: linked ? ids.indexOf(linked.context.spanId) : null,
    };
  });
}

writeFileSync(FILE, drawTrace(TITLE, drawn(await spansOfOneMessage())));
