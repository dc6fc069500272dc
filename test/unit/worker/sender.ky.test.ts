import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import ky, { type KyInstance, type Options } from 'ky';
import { describe, expect, it } from 'vitest';
import type { OutcomeKind } from '../../../src/shared/model/attempts.ts';
import { answerText } from './broken-server.ts';
import { busyExchange, startBusyServer } from './busy-server.ts';
import { countUnhandled } from './count-unhandled.ts';
import { kindOf, openSender, sendOptions } from './exchange-with.ts';
import { bug, messageBody, sendThrough, withHooks } from './through-ky.ts';

describe('a sender with a ky instance that has nothing to do', () => {
  it('sends the same request as without one, and brings back the same', async () => {
    const server = await startBusyServer();
    const exchanges = [
      await openSender(server.origin).send(messageBody, sendOptions()),
      await openSender(server.origin, {}, { ky }).send(messageBody, sendOptions()),
    ];
    const [direct, throughKy] = server.received;
    expect(throughKy).toEqual({ head: expect.arrayContaining(direct?.head ?? []) as string[], body: direct?.body });
    expect(throughKy?.head).toHaveLength(direct?.head.length ?? 0);
    expect(exchanges).toEqual([busyExchange, busyExchange]);
  });

  it('says not sent when nothing was, and unknown when nothing came back', async () => {
    const refused = openSender('http://127.0.0.1:1', {}, { ky });
    expect(kindOf(await refused.send(messageBody, sendOptions()))).toBe('not-sent');
    const { exchange, kind, logged } = await sendThrough(ky, { answer: (socket) => void socket.resetAndDestroy() });
    expect(exchange).toMatchObject({ failure: { kind: 'connection', code: 'ECONNRESET' } });
    expect([kind, logged]).toEqual(['unknown', []]);
  });

  const otherFetch = async (): Promise<Response> => await Promise.reject(new Error('not this one'));
  const retry = { limit: 5, methods: ['post' as const], statusCodes: [500], delay: () => 1, retryOnTimeout: true };
  const everything: Options = {
    retry,
    timeout: 1,
    totalTimeout: 1,
    throwHttpErrors: true,
    redirect: 'follow',
    fetch: otherFetch,
    signal: AbortSignal.abort(),
  };

  it.each<[string, Options]>([
    ['a prefix', { prefix: 'https://elsewhere.example' }],
    ['a base URL', { baseUrl: 'https://elsewhere.example' }],
    ['retries', { retry }],
    ['time-outs', { timeout: 1, totalTimeout: 1 }],
    ['errors for statuses', { throwHttpErrors: true }],
    ['redirects to follow', { redirect: 'follow' }],
    ['a fetch', { fetch: otherFetch }],
    ['a signal that was aborted', { signal: AbortSignal.abort() }],
    ['its own type of content', { headers: { 'content-type': 'text/plain' } }],
    ['an init hook that sets all of that', { hooks: { init: [(options) => void Object.assign(options, everything)] } }],
  ])('keeps to the worker’s own way of sending if the instance has %s', async (_what, options) => {
    const answer = answerText('307 Moved', 'oops', { location: 'https://elsewhere.example' });
    const { exchange, requests, logged } = await sendThrough(ky.create(options), {
      answer: (socket) => void setTimeout(() => socket.write(answer), 20),
    });
    expect(exchange).toMatchObject({ httpStatus: 307, body: 'oops', failure: null });
    expect(requests).toMatchObject([
      { line: 'POST /send HTTP/1.1', headers: { 'content-type': 'application/json' }, body: messageBody },
    ]);
    expect(logged).toEqual([]);
  });
});

describe('a ky instance over a fetch of one’s own', () => {
  it('calls it once, with what the hooks have made of the request', async () => {
    const calls: unknown[] = [];
    const seen: unknown[] = [];
    const hooks = {
      ky: withHooks({
        beforeRequest: [({ request }) => request.headers.set('x-signature', 's1')],
        afterResponse: [
          async ({ response }) => {
            seen.push(response.status, response.headers.get('x-trace'), await response.text());
            return ky.retry({ delay: 1 });
          },
        ],
      }),
      async fetch(request: Request) {
        calls.push([request.headers.get('x-signature'), request.headers.get('apikey'), await request.text()]);
        return new Response('bad', { status: 400, headers: { 'x-trace': 't1' } });
      },
    };
    const exchange = await openSender('http://127.0.0.1:1', {}, hooks).send(messageBody, sendOptions());
    expect(calls).toEqual([['s1', 'key-1', messageBody]]);
    expect(seen).toEqual([400, 't1', 'bad']);
    expect(kindOf(exchange)).toBe('rejected');
  });

  async function kindWith(fetch: () => Promise<Response>, instance: KyInstance = ky): Promise<OutcomeKind> {
    const sender = openSender('http://127.0.0.1:1', { timeoutMs: 300 }, { ky: instance, fetch });
    return kindOf(await sender.send(messageBody, sendOptions()));
  }

  it('is unknown when that fetch throws or hangs, and not sent when a hook threw before', async () => {
    expect(await kindWith(async () => await Promise.reject(new TypeError('fetch failed')))).toBe('unknown');
    expect(await kindWith(async () => await new Promise(() => {}))).toBe('unknown');
    const answer = async (): Promise<Response> => await Promise.resolve(new Response('Ok'));
    expect(await kindWith(answer)).toBe('delivered');
    expect(await kindWith(answer, withHooks({ beforeRequest: [bug] }))).toBe('not-sent');
  });
});

describe('nothing of an attempt through ky stays', () => {
  it('neither on the signal of the caller, nor as a rejection that would end the process', async () => {
    const unhandled = countUnhandled();
    const stop = new AbortController();
    const late = Promise.withResolvers<void>();
    const failLate = async (): Promise<void> => await late.promise;
    const limits = { timeoutMs: 100, signal: stop.signal };
    const attempts = [{ beforeRequest: [failLate] }, { afterResponse: [failLate] }, { afterResponse: [bug] }, {}];
    await Promise.all(attempts.map(async (hooks) => await sendThrough(withHooks(hooks), limits)));
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    stop.abort();
    late.reject(new Error('too late'));
    await nextTurn();
    await wait(1);
    expect(unhandled.count).toBe(0);
  });
});
