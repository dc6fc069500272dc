import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { MAX_BODY_BYTES } from '../../../src/worker/http/answer-body.ts';
import type { HttpRequest } from '../../../src/worker/http/http-request.ts';
import { exchangeOverFetch, type Fetch } from '../../../src/worker/http/fetch-exchange.ts';
import { answerText, startBrokenServer } from './broken-server.ts';
import { countUnhandled } from './count-unhandled.ts';
import { kindOf, openSender, requestTo, sendOptions } from './exchange-with.ts';

function over(customFetch: Fetch, request: Partial<HttpRequest> = {}) {
  return exchangeOverFetch(customFetch, requestTo('http://127.0.0.1', request));
}

/** A body that gives its pieces and then does what it is told. */
function bodyOf(pieces: string[], then: (stream: ReadableStreamDefaultController<Uint8Array>) => void): ReadableStream {
  return new ReadableStream<Uint8Array>({
    start(stream) {
      for (const piece of pieces) stream.enqueue(Buffer.from(piece));
      then(stream);
    },
  });
}

describe("an exchange over a caller's fetch", () => {
  it('brings back status, Retry-After and body', async () => {
    const answer = new Response('Tạm nghỉ 👋', { status: 503, headers: { 'Retry-After': '7' } });
    expect(await over(() => Promise.resolve(answer))).toEqual({
      reachedSocket: true,
      httpStatus: 503,
      retryAfter: '7',
      date: null,
      age: null,
      contentType: 'text/plain;charset=UTF-8',
      body: 'Tạm nghỉ 👋',
      bodyState: 'whole',
      failure: null,
      durationMs: expect.any(Number) as number,
    });
  });

  it.each([
    ['no body', new Response(null, { status: 204 }), ''],
    ['an empty body', new Response(''), ''],
    ['a byte order mark', new Response('\uFEFF{"success":0}'), '{"success":0}'],
    ['UTF-16', new Response(Buffer.from('{"success":0}', 'utf16le')), '{"success":0}'],
    // A `fetch` has decoded the body, but the header stays.
    ['a content encoding that is gone', new Response('Ok', { headers: { 'content-encoding': 'gzip' } }), 'Ok'],
  ])('takes an answer with %s', async (_what, answer, body) => {
    expect(await over(() => Promise.resolve(answer))).toMatchObject({ body, failure: null });
  });

  it.each<[string, Fetch, string]>([
    [
      'throws',
      () => {
        throw new RangeError('https://secret.example');
      },
      'RangeError',
    ],
    ['rejects', () => Promise.reject(new TypeError('secret')), 'TypeError'],
    [
      'rejects as fetch does',
      () => Promise.reject(new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } })),
      'ECONNREFUSED',
    ],
    [
      'rejects with an error whose name could be data',
      () => Promise.reject(Object.assign(new Error('secret'), { name: 'the secret' })),
      'Error',
    ],
    ['gives nothing', () => Promise.resolve(undefined as unknown as Response), 'TypeError'],
  ])('is unknown when the fetch %s', async (_what, customFetch, code) => {
    const exchange = await over(customFetch);
    expect(exchange).toMatchObject({ reachedSocket: true, httpStatus: null, failure: { kind: 'connection', code } });
    expect(kindOf(exchange)).toBe('unknown');
  });

  it('is unknown when the fetch hangs, in time also if it does not heed the signal', async () => {
    const exchange = await over(() => new Promise(() => {}), { timeoutMs: 50 });
    expect(exchange).toMatchObject({ reachedSocket: true, httpStatus: null, failure: { kind: 'timeout' } });
    expect(exchange.durationMs).toBeLessThan(5000);
    expect(kindOf(exchange)).toBe('unknown');
  });

  it('is unknown when it is given up in mid-request', async () => {
    const stop = new AbortController();
    const exchange = await over(
      () => {
        stop.abort();
        return new Promise(() => {});
      },
      { signal: stop.signal },
    );
    expect(exchange).toMatchObject({ reachedSocket: true, failure: { kind: 'aborted' } });
    expect(kindOf(exchange)).toBe('unknown');
  });

  it.each<[string, (stream: ReadableStreamDefaultController) => void, object]>([
    ['breaks', (stream) => stream.error(new TypeError('terminated')), { kind: 'connection', code: 'TypeError' }],
    ['never ends', () => {}, { kind: 'timeout' }],
    ['turns into something else', (stream) => stream.enqueue('text'), { kind: 'connection', code: 'TypeError' }],
  ])('stays delivered when the body of a 2xx %s', async (_what, then, failure) => {
    const exchange = await over(() => Promise.resolve(new Response(bodyOf([], then))), { timeoutMs: 50 });
    expect(exchange).toMatchObject({ httpStatus: 200, failure });
    expect(kindOf(exchange)).toBe('delivered');
  });

  it('keeps what it has read of a body that never ends', async () => {
    const answer = new Response(
      bodyOf(['request ', 'limit'], () => {}),
      { status: 503 },
    );
    const exchange = await over(() => Promise.resolve(answer), { timeoutMs: 50 });
    expect(exchange).toMatchObject({ httpStatus: 503, body: 'request limit', failure: { kind: 'timeout' } });
    expect(kindOf(exchange)).toBe('held');
  });

  it('reads no more than 1 MiB of a body that has no end', async () => {
    let pulled = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(stream) {
        pulled += 1;
        stream.enqueue(Buffer.alloc(10_000, 'x'));
      },
      cancel() {
        cancelled = true;
      },
    });
    const exchange = await over(() => Promise.resolve(new Response(endless)));
    expect(exchange).toMatchObject({ httpStatus: 200, body: 'x'.repeat(MAX_BODY_BYTES), failure: null });
    expect(pulled).toBeLessThan(110);
    expect(cancelled).toBe(true);
  });
});

describe("a caller's fetch is not called", () => {
  it.each<[string, () => Partial<HttpRequest>, object]>([
    ['when it was given up before', () => ({ signal: AbortSignal.abort() }), { kind: 'aborted' }],
    ['when the lock is too short', () => ({ startBefore: performance.now() - 1 }), { kind: 'lock-too-short' }],
  ])('%s', async (_what, limits, failure) => {
    const customFetch = vi.fn<Fetch>();
    const exchange = await over(customFetch, limits());
    expect(exchange).toMatchObject({ reachedSocket: false, httpStatus: null, failure });
    expect(kindOf(exchange)).toBe('not-sent');
    expect(customFetch).not.toHaveBeenCalled();
  });
});

describe('nothing of an exchange over fetch stays', () => {
  it('neither on the signal of the caller, nor as a rejection that would end the process', async () => {
    const unhandled = countUnhandled();
    const stop = new AbortController();
    const late = Promise.withResolvers<Response>();
    const lateBody = Promise.withResolvers<void>();
    const broken = new Response(
      bodyOf([], (stream) => void lateBody.promise.then(() => stream.error(new Error('late')))),
    );
    const limits = { timeoutMs: 20, signal: stop.signal };
    const failing: Fetch = () => Promise.reject(new TypeError('refused'));
    await Promise.all([
      over(() => late.promise, limits),
      over(() => Promise.resolve(broken), limits),
      over(failing, limits),
    ]);
    stop.abort();
    await over(failing, limits);
    late.reject(new Error('too late'));
    lateBody.resolve();
    await nextTurn();
    expect(unhandled.count).toBe(0);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });
});

describe("a sender over the platform's own fetch", () => {
  it('sends the same request, and does not follow a redirect', async () => {
    const elsewhere = await startBrokenServer();
    const server = await startBrokenServer({
      answer: (socket) => void socket.write(answerText('307 Moved', '', { location: elsewhere.origin })),
    });
    const body = JSON.stringify({ pageId: 'p1', message: { type: 'text', text: 'Xin chào 👋' } });
    const exchange = await openSender(server.origin, {}, { fetch }).send(body, sendOptions({ apiKey: 'k-1' }));
    expect([exchange.httpStatus, kindOf(exchange)]).toEqual([307, 'unknown']);
    const [request] = server.received;
    expect(request?.head).toEqual(
      expect.arrayContaining(['POST /send HTTP/1.1', 'apikey: k-1', 'content-type: application/json']),
    );
    expect(request?.body.toString()).toBe(body);
    expect([server.received.length, elsewhere.connections.total]).toEqual([1, 0]);
  });

  it('ends the request when its time is over', async () => {
    const server = await startBrokenServer({ answer: () => {} });
    const exchange = await openSender(server.origin, { timeoutMs: 500 }, { fetch }).send('{}', sendOptions());
    expect(exchange).toMatchObject({ reachedSocket: true, failure: { kind: 'timeout' } });
    await vi.waitFor(() => expect(server.connections.open).toBe(0), { timeout: 100_000 });
  });

  it('does not start a request that was given up before', async () => {
    const unhandled = countUnhandled();
    const server = await startBrokenServer();
    const exchange = await openSender(server.origin, {}, { fetch }).send(
      '{}',
      sendOptions({ signal: AbortSignal.abort() }),
    );
    await nextTurn();
    expect(kindOf(exchange)).toBe('not-sent');
    expect([server.connections.total, unhandled.count]).toEqual([0, 0]);
  });
});
