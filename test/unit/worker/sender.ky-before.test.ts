import { createHmac } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import ky, { type Options } from 'ky';
import { describe, expect, it, vi } from 'vitest';
import type { OutcomeKind } from '../../../src/shared/model/attempts.ts';
import { shownBy } from '../../../src/worker/message/evidence.ts';
import type { ExchangeFailure } from '../../../src/worker/http/exchange.ts';
import { startBrokenServer } from './broken-server.ts';
import { kindOf, openSender, sendOptions } from './exchange-with.ts';
import { judge } from './exchanges.ts';
import { bug, givesUpAndHangs, hang, messageBody, sendThrough, withHooks } from './through-ky.ts';

describe('what hooks change before the request', () => {
  it('leaves: a signature of the body in a header', async () => {
    const hmacOf = (text: string): string => createHmac('sha256', 'secret').update(text).digest('hex');
    const signed = withHooks({
      beforeRequest: [
        async ({ request }) => {
          request.headers.set('x-signature', hmacOf(await request.clone().text()));
          request.headers.delete('accept');
        },
      ],
    });
    const { kind, requests } = await sendThrough(signed);
    expect([kind, requests.length]).toEqual(['delivered', 1]);
    expect(requests[0]).toMatchObject({ line: 'POST /send HTTP/1.1', body: messageBody });
    expect(requests[0]?.headers).toMatchObject({ 'x-signature': hmacOf(messageBody), apikey: 'secret-key-1' });
    expect(requests[0]?.headers).not.toHaveProperty('accept');
  });

  const changed = (init: RequestInit, path = ''): Options => ({
    hooks: { beforeRequest: [({ request }) => new Request(request.url + path, new Request(request, init))] },
  });

  it.each<[string, Options, object]>([
    [
      'headers of the instance',
      { headers: { 'x-from': 'crm' } },
      { headers: { 'x-from': 'crm', apikey: 'secret-key-1' } },
    ],
    ['another key', changed({ headers: { apikey: 'k2' } }), { headers: { apikey: 'k2' }, body: messageBody }],
    ['another path', changed({}, '/v2?signed=1'), { line: 'POST /send/v2?signed=1 HTTP/1.1', body: messageBody }],
    [
      'another body',
      changed({ method: 'POST', body: '{"n":"ế"}' }),
      { headers: { 'content-length': '11' }, body: '{"n":"ế"}' },
    ],
    ['bytes that are no text', changed({ method: 'POST', body: Buffer.of(0xff, 0xfe) }), { body: '\uFFFD\uFFFD' }],
    ['parameters of the instance', { searchParams: { from: 'crm' } }, { line: 'POST /send?from=crm HTTP/1.1' }],
  ])('leaves: %s', async (_what, options, request) => {
    const { kind, requests } = await sendThrough(ky.create(options));
    expect(kind).toBe('delivered');
    expect(requests).toMatchObject([request]);
  });
});

describe('a hook that fails before the request left', () => {
  const endless = { method: 'POST', duplex: 'half' } as const;

  it.each<[string, Options['hooks'], string]>([
    ['init throws', { init: [bug] }, 'RangeError'],
    ['beforeRequest throws', { beforeRequest: [bug] }, 'RangeError'],
    ['beforeRequest throws what is no error', { beforeRequest: [async () => await throwing('secret')] }, 'Error'],
    [
      'beforeRequest reads the body without a clone',
      { beforeRequest: [async ({ request }) => void (await request.text())] },
      'TypeError',
    ],
    ['beforeRequest hangs', { beforeRequest: [hang] }, 'TimeoutError'],
    [
      'beforeRequest gives a body that never ends',
      { beforeRequest: [({ request }) => new Request(request, { ...endless, body: new ReadableStream() })] },
      'TimeoutError',
    ],
    ['beforeError throws after it', { beforeRequest: [bug], beforeError: [secondBug] }, 'SyntaxError'],
    ['beforeError hangs after it', { beforeRequest: [bug], beforeError: [hang] }, 'TimeoutError'],
  ])('is not sent, blames nobody, and is logged with its place: %s', async (_what, hooks, code) => {
    const { exchange, kind, requests, logged } = await sendThrough(ky.create({ hooks: hooks ?? {} }), {
      timeoutMs: code === 'TimeoutError' ? 100 : 5000,
    });
    expect(exchange).toMatchObject({ reachedSocket: false, httpStatus: null, failure: { kind: 'hook', code } });
    expect([kind, requests]).toEqual(['not-sent', []]);
    const judged = { exchange, outcome: judge(exchange), startedAtMs: 0, keyCircuit: 'k' };
    expect(shownBy(judged)).toMatchObject({ trouble: null, works: null });
    expect(exchange.durationMs).toBeLessThan(5000);
    expect(logged).toMatchObject([{ level: 50, msg: 'a ky hook failed or timed out; nothing was sent' }]);
    expect(logged[0]?.err?.stack).toMatch(code === 'RangeError' ? /^RangeError: no code\n.*through-ky\.ts/ : code);
  });

  it('never sends later what was given up while a hook hung', async () => {
    const server = await startBrokenServer();
    const gate = Promise.withResolvers<void>();
    const late = vi.fn<() => void>();
    const waiting = withHooks({ beforeRequest: [async () => await gate.promise, late] });
    const sender = openSender(server.origin, { timeoutMs: 500 }, { ky: waiting });
    expect(kindOf(await sender.send('{"n":"late"}', sendOptions()))).toBe('not-sent');
    gate.resolve();
    await vi.waitFor(() => expect(late).toHaveBeenCalled());
    expect(kindOf(await sender.send('{"n":1}', sendOptions()))).toBe('delivered');
    expect(server.received.map(({ body }) => body.toString())).toEqual(['{"n":1}']);
  });

  it('ends at once when the message is given up while it hangs', async () => {
    const { hook, signal } = givesUpAndHangs();
    const sent = await sendThrough(withHooks({ beforeRequest: [hook] }), { signal });
    expect(sent.exchange).toMatchObject({ reachedSocket: false, failure: { kind: 'aborted' } });
    expect([sent.kind, sent.requests, sent.logged]).toEqual(['not-sent', [], []]);
  });

  it('takes its time from the attempt: the request has what is left', async () => {
    const delayed = withHooks({ beforeRequest: [async () => await wait(2500)] });
    const { exchange } = await sendThrough(delayed, { answer: () => {}, timeoutMs: 3000 });
    expect(exchange).toMatchObject({ reachedSocket: true, failure: { kind: 'timeout' } });
    expect(exchange.durationMs).toBeLessThan(2500);
  });

  it.each<[string, Parameters<typeof sendOptions>[0], ExchangeFailure]>([
    ['it was given up before', { signal: AbortSignal.abort() }, { kind: 'aborted' }],
    ['the lock is too short', { startBefore: 0 }, { kind: 'lock-too-short' }],
  ])('is not even called when %s', async (_what, options, failure) => {
    const hook = vi.fn<() => void>();
    const sender = openSender('http://127.0.0.1:1', {}, { ky: withHooks({ init: [hook], beforeRequest: [hook] }) });
    expect(await sender.send(messageBody, sendOptions(options))).toMatchObject({ reachedSocket: false, failure });
    expect(hook).not.toHaveBeenCalled();
  });
});

describe('a header from a hook that can not be sent', () => {
  it.each([
    ['transfer-encoding', 'chunked'],
    ['content-length', '1'],
  ])('sends nothing: %s', async (name, value) => {
    const { kind, requests } = await sendThrough(
      withHooks({ beforeRequest: [({ request }) => request.headers.set(name, value)] }),
    );
    expect([kind, requests]).toEqual(['not-sent', []]);
  });
});

describe('a hook that answers in place of the API', () => {
  it.each<[string, () => Response, OutcomeKind]>([
    ['a success', () => Response.json({ success: true }), 'delivered'],
    ['a refusal', () => new Response('no', { status: 422 }), 'rejected'],
    ['a limit', () => new Response('', { status: 429, headers: { 'retry-after': '7' } }), 'held'],
    ['a body that never ends', () => new Response(new ReadableStream(), { status: 500 }), 'unknown'],
  ])('counts like a fetch of one’s own, and nothing is sent: %s', async (_what, answer, expected) => {
    const { kind, requests, logged } = await sendThrough(withHooks({ beforeRequest: [answer] }), { timeoutMs: 200 });
    expect([kind, requests, logged]).toEqual([expected, [], []]);
  });
});

async function throwing(what: unknown): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  reject(what);
  return await promise;
}

function secondBug(): never {
  throw new SyntaxError('secret');
}
