import { trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { describe, expect, it } from 'vitest';
import { encryptionKeys, newKeysFile } from '../support/encryption-keys.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { type CollectedSpan, type OtlpCollector, startOtlpCollector } from '../support/tracing/otlp-collector.ts';
import { registerSdk } from '../support/tracing/register-sdk.ts';
import { useRedis } from '../support/use-redis.ts';
import { install, type Installation, type InstallationOptions } from '../support/worker.ts';

/** Kinds of spans, as OTLP numbers them. */
const [CLIENT, CONSUMER] = [3, 5];
const failsOnce = { faults: [{ kind: 'status', status: 500, times: 1 }] } satisfies InstallationOptions['api'];

type Ids = Pick<CollectedSpan, 'traceId' | 'spanId'>;

interface TracedSite extends AsyncDisposable {
  site: Installation;
  collector: OtlpCollector;
  /** Waits for this number of attempts. @returns the spans of attempts, after all that have ended have arrived */
  deliveries(attempts: number): Promise<CollectedSpan[]>;
}

/** Runs `work` in a span of the app. */
async function inSpan<T>(work: () => Promise<T>): Promise<{ result: T; caller: Ids }> {
  return await trace.getTracer('app').startActiveSpan('checkout', async (span) => {
    const { traceId, spanId } = span.spanContext();
    const result = await work();
    span.end();
    return { result, caller: { traceId, spanId } };
  });
}

describe('traces', () => {
  const used = useRedis();

  const storedTrace = async ({ config }: Installation, id: string): Promise<string | null> =>
    await used.redis.hget(`{${config.namespace}:0}:send:${id}`, 'trace');

  /** An installation in a process whose spans go to a collector. */
  async function traced(options: InstallationOptions = {}): Promise<TracedSite> {
    const stack = new AsyncDisposableStack();
    const collector = stack.use(await startOtlpCollector());
    const sdk = stack.use(registerSdk(new OTLPTraceExporter({ url: collector.url })));
    const site = stack.use(await install(used, { startWorker: false, ...options }));
    return {
      site,
      collector,
      async deliveries(attempts) {
        await eventually(`${attempts} attempts were reported`, () => site.attempts.length >= attempts);
        await sdk.flush();
        return collector.spans.filter(({ kind }) => kind === CONSUMER);
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  }

  it('have one span per attempt, each linked to the span that stored the message', async () => {
    await using at = await traced({ api: failsOnce });
    const { site, collector } = at;
    const { result: id, caller } = await inSpan(async () => await site.enqueue(textMessage('c1', 1)));
    expect(await storedTrace(site, id)).toBe(`00-${caller.traceId}-${caller.spanId}-01`);
    site.startWorker();
    await site.until(id, 'delivered');
    const [failed, delivered, ...others] = await at.deliveries(2);
    expect(others).toEqual([]);
    const ofBoth = {
      name: `deliver ${site.config.namespace}`,
      kind: CONSUMER,
      parentSpanId: undefined,
      links: [caller],
    };
    const attributes = {
      'messaging.system': 'kitechat-sender',
      'messaging.operation.name': 'deliver',
      'messaging.operation.type': 'process',
      'messaging.destination.name': site.config.namespace,
      'messaging.message.id': id,
      'messaging.message.conversation_id': 'c1',
      'kitechat.page_id': 'p1',
      'kitechat.attempts_allowed': 8,
    };
    expect(failed).toMatchObject({ ...ofBoth, isError: true });
    expect(failed?.attributes).toEqual({
      ...attributes,
      'kitechat.outcome': 'unknown',
      'kitechat.attempt': 1,
      'kitechat.attempts_used': 1,
      'kitechat.next': 'backoff',
      'kitechat.delay_ms': site.attempts[0]?.delayMs,
      'http.response.status_code': 500,
      'error.type': 'unknown',
    });
    expect(delivered).toMatchObject({ ...ofBoth, isError: false });
    expect(delivered?.attributes).toEqual({
      ...attributes,
      'kitechat.outcome': 'delivered',
      'kitechat.attempt': 2,
      'kitechat.attempts_used': 1,
      'kitechat.next': 'delivered',
      'http.response.status_code': 200,
    });
    expect(new Set([caller.traceId, failed?.traceId, delivered?.traceId]).size).toBe(3);
    // Nothing else, of BullMQ neither: the caller's span, and below each attempt its request.
    const requests = collector.spans.filter(({ kind }) => kind === CLIENT);
    expect(requests.map(({ parentSpanId }) => parentSpanId)).toEqual([failed?.spanId, delivered?.spanId]);
    expect(collector.spans).toHaveLength(5);
  });

  it('go on in the trace of the caller with the option child', async () => {
    await using at = await traced({ api: failsOnce, config: { traces: 'child' } });
    const { site } = at;
    const { result: receipts, caller } = await inSpan(
      async () => await site.producer.enqueueMessages([textMessage('c1', 1), textMessage('c2', 1)]),
    );
    site.startWorker();
    for (const { id } of receipts) await site.until(id, 'delivered');
    const spans = await at.deliveries(3);
    expect(spans).toHaveLength(3);
    const isChild = { traceId: caller.traceId, parentSpanId: caller.spanId, links: [] };
    expect(spans).toMatchObject([isChild, isChild, isChild]);
  });

  it('begin at the worker for a message that was stored outside of a span, whatever the worker was started in', async () => {
    await using at = await traced();
    const { site } = at;
    const { caller } = await inSpan(async () => await Promise.resolve(site.startWorker()));
    const id = await site.enqueue(textMessage('c1', 1));
    await site.until(id, 'delivered');
    const [span] = await at.deliveries(1);
    expect(await storedTrace(site, id)).toBeNull();
    expect(span).toMatchObject({ parentSpanId: undefined, links: [] });
    expect(span?.traceId).not.toBe(caller.traceId);
  });

  it('have a span of a message that ends without a request, and none of looks that only put a message off', async () => {
    await using at = await traced({ config: { encryptionKeysFile: newKeysFile(encryptionKeys('k1')).path } });
    const { site, collector } = at;
    const { result: expired, caller } = await inSpan(
      async () => await site.enqueue({ ...textMessage('c1', 1), ttlMs: 1 }),
    );
    const waiting = await site.enqueue(textMessage('c2', 1));
    // Without the key of the messages: the first look is noted in the history, and later looks are not.
    site.startWorker({ encryptionKeysFile: newKeysFile(encryptionKeys('another')).path });
    await site.until(expired, 'dead');
    await eventually('it was looked at again', () =>
      site.attempts.some(({ id, outcome, next }) => id === waiting && outcome === null && next === 'hold'),
    );
    const spans = await at.deliveries(3);
    expect(spans.map(({ attributes, links, isError }) => ({ attributes, links, isError }))).toEqual(
      expect.arrayContaining([
        {
          attributes: expect.objectContaining({
            'messaging.message.id': expired,
            'kitechat.next': 'dead',
            'kitechat.reason': 'expired',
          }) as unknown,
          links: [caller],
          isError: true,
        },
        {
          attributes: expect.objectContaining({
            'messaging.message.id': waiting,
            'kitechat.outcome': 'held',
            'kitechat.next': 'hold',
          }) as unknown,
          links: [],
          isError: false,
        },
      ]),
    );
    expect(collector.spans).toHaveLength(3);
  });

  it('take no forged, truncated or endless trace from Redis', async () => {
    await using at = await traced({ config: { traces: 'child' } });
    const { site } = at;
    const [zeros, ids] = ['0'.repeat(32), `${'a'.repeat(32)}-${'b'.repeat(16)}`];
    const forged = ['', 'x', `00-${ids}`, `01-${ids}-01`, `00-${ids}-01-more`, `00-${zeros}-${'b'.repeat(16)}-01`];
    forged.push(`00-${ids}-01`.toUpperCase(), `00-${ids}-01\n`, `00-${ids}-01`.repeat(100_000));
    for (const [n, text] of forged.entries()) {
      const id = await site.enqueue(textMessage(`c${n}`, 1));
      await used.redis.hset(`{${site.config.namespace}:0}:send:${id}`, 'trace', text);
    }
    site.startWorker();
    const spans = await at.deliveries(forged.length);
    expect(spans.map(({ parentSpanId, links }) => ({ parentSpanId, links }))).toEqual(
      forged.map(() => ({ parentSpanId: undefined, links: [] })),
    );
  });

  it('have neither content nor key', async () => {
    const text = 'a very private text';
    await using at = await traced({
      config: { apiKey: 'a-very-private-key' },
      api: { faults: [{ kind: 'status', status: 400, body: { error: `no: ${text}` } }] },
    });
    const { site, collector } = at;
    const { result: id } = await inSpan(
      async () => await site.enqueue({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text } }),
    );
    site.startWorker();
    await site.until(id, 'dead');
    expect(await at.deliveries(1)).toMatchObject([
      { isError: true, attributes: { 'kitechat.reason': 'rejected', 'error.type': 'rejected' } },
    ]);
    expect(JSON.stringify(collector.spans)).not.toMatch(/very private|very-private/);
  });

  it('name the dead letter that a message replays', async () => {
    await using at = await traced({ api: { faults: [{ kind: 'status', status: 400, times: 1 }] } });
    const { site } = at;
    const { result: id } = await inSpan(async () => await site.enqueue(textMessage('c1', 1)));
    site.startWorker();
    await site.until(id, 'dead');
    await site.deadLetters.replay({ ids: [id] });
    const [, replayed] = await at.deliveries(2);
    expect(replayed).toMatchObject({ links: [], attributes: { 'kitechat.replay_of': id } });
  });

  it('are linked for encrypted messages, too', async () => {
    await using at = await traced({ config: { encryptionKeysFile: newKeysFile(encryptionKeys('k1')).path } });
    const { site } = at;
    const { result: id, caller } = await inSpan(async () => await site.enqueue(textMessage('c1', 1)));
    site.startWorker();
    await site.until(id, 'delivered');
    expect(await at.deliveries(1)).toMatchObject([{ links: [caller] }]);
  });

  it('leave nothing in Redis and change nothing where no SDK is registered', async () => {
    await using site = await install(used, { startWorker: false, api: failsOnce });
    const { result: id } = await inSpan(async () => await site.enqueue(textMessage('c1', 1)));
    expect(await storedTrace(site, id)).toBeNull();
    site.startWorker();
    expect(await site.until(id, 'delivered')).toMatchObject({
      attempts: [{ outcome: 'unknown' }, { outcome: 'delivered' }],
    });
  });
});
