import { gzipSync } from 'node:zlib';
import ky, { type Hooks, isNetworkError } from 'ky';
import { describe, expect, it } from 'vitest';
import type { OutcomeKind } from '../../../src/shared/model/attempts.ts';
import { MAX_BODY_BYTES } from '../../../src/worker/http/answer-body.ts';
import { answerText } from './broken-server.ts';
import { bug, givesUpAndHangs, hang, sendThrough, withHooks } from './through-ky.ts';

describe('hooks after the answer', () => {
  it('see status, headers and body of the real answer', async () => {
    const seen: unknown[] = [];
    const watching = withHooks({
      afterResponse: [
        async ({ request, response }) => {
          const { headers, status } = response;
          const shown = [headers.get('x-trace'), headers.get('content-type'), headers.getSetCookie()];
          seen.push(request.url.replace(/^.*:\d+/, ''), status, shown, await response.text());
        },
      ],
    });
    const answer = answerText('422 No', 'sai rồi', { 'X-Trace': 't1', 'Set-Cookie': 'a=1\r\nset-cookie: b=2' });
    const { kind, logged } = await sendThrough(watching, { answer: (socket) => void socket.write(answer) });
    expect(seen).toEqual(['/send', 422, ['t1', null, ['a=1', 'b=2']], 'sai rồi']);
    expect([kind, logged]).toEqual(['rejected', []]);
  });

  it.each([
    ['what came of it when it broke off', 'HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"succ', '{"succ'],
    ['its first MiB', answerText('200 OK', 'x'.repeat(MAX_BODY_BYTES + 1000)), 'x'.repeat(MAX_BODY_BYTES)],
    ['no body where there can be none', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
  ])('see of an answer %s', async (_what, answer, content) => {
    const seen: unknown[] = [];
    const watching = withHooks({ afterResponse: [async ({ response }) => void seen.push(await response.text())] });
    const { kind, logged } = await sendThrough(watching, { answer: (socket) => void socket.end(answer) });
    expect(seen).toEqual([content]);
    expect([kind, logged]).toEqual(['delivered', []]);
  });

  it('see an answer without its encodings, and no header that claims them', async () => {
    const seen: unknown[] = [];
    const watching = withHooks({
      afterResponse: [
        async ({ response }) => {
          const { headers } = response;
          const shown = ['content-encoding', 'content-length', 'content-type'].map((name) => headers.get(name));
          seen.push(shown, await response.json());
        },
      ],
    });
    const body = gzipSync(Buffer.from('{"success":false,"message":"lỗi"}', 'utf16le'));
    const type = 'application/json; charset=utf-16; v=1';
    const head = { 'content-encoding': 'gzip', 'content-type': type, 'content-length': String(body.length) };
    const answer = Buffer.concat([Buffer.from(answerText('200 OK', '', head)), body]);
    const { kind } = await sendThrough(watching, { answer: (socket) => void socket.write(answer) });
    expect(seen).toEqual([[null, null, 'application/json; charset=utf-8; v=1'], { success: false, message: 'lỗi' }]);
    expect(kind).toBe('rejected');
  });

  it('see that there was no answer, as an error of the network', async () => {
    const seen: unknown[] = [];
    const watching = withHooks({
      beforeError: [
        ({ error }) => {
          seen.push(isNetworkError(error), error.cause instanceof TypeError && error.cause.cause);
          return error;
        },
      ],
    });
    const { kind, logged } = await sendThrough(watching, { answer: (socket) => void socket.resetAndDestroy() });
    expect(seen).toEqual([true, { kind: 'connection', code: 'ECONNRESET' }]);
    expect([kind, logged]).toEqual(['unknown', []]);
  });

  it('are not shown an answer that no Response can hold, and it counts all the same', async () => {
    const { exchange, logged } = await sendThrough(ky, {
      answer: (socket) => void socket.write(answerText('999 Odd')),
    });
    expect(exchange).toMatchObject({ httpStatus: 999, failure: null });
    expect(logged).toHaveLength(1);
  });
});

const answers: [number, string, OutcomeKind][] = [
  [200, '{"success":true}', 'delivered'],
  [400, 'bad', 'rejected'],
  [500, 'oops', 'unknown'],
];

const retryAllowed: Hooks['beforeRequest'] = [
  ({ options }) => void Object.assign(options.retry, { limit: 3, delay: () => 1 }),
];

/** What the log says of each: the error's code, or its name; `null` if it says nothing. */
const meddling: [string, Hooks, string | null][] = [
  ['throws', { afterResponse: [bug] }, 'RangeError'],
  ['throws, and again when that is told', { afterResponse: [bug], beforeError: [bug] }, 'RangeError'],
  ['hangs', { afterResponse: [hang] }, 'TimeoutError'],
  ['throws, and hangs when that is told', { afterResponse: [bug], beforeError: [hang] }, 'TimeoutError'],
  ['asks for a retry', { afterResponse: [() => ky.retry({ delay: 1 })] }, 'ForceRetryError'],
  [
    'asks for a retry of another request',
    {
      afterResponse: [({ request }) => ky.retry({ request: new Request(request.url, { method: 'POST', body: '2' }) })],
    },
    'ForceRetryError',
  ],
  [
    'asks for a retry that another hook has allowed',
    { beforeRequest: retryAllowed, afterResponse: [() => ky.retry({ delay: 1 })] },
    'SECOND_REQUEST',
  ],
  [
    'asks for a retry after the time of the attempt',
    { beforeRequest: retryAllowed, afterResponse: [() => ky.retry({ delay: 60_000 })] },
    'TimeoutError',
  ],
  [
    'answers a retry that another hook has allowed',
    {
      beforeRequest: retryAllowed,
      beforeRetry: [() => new Response('from a hook', { status: 422 })],
      afterResponse: [({ retryCount }) => (retryCount === 0 ? ky.retry({ delay: 1 }) : undefined)],
    },
    null,
  ],
  [
    'stops a retry that another hook has allowed',
    { beforeRequest: retryAllowed, beforeRetry: [() => ky.stop], afterResponse: [() => ky.retry({ delay: 1 })] },
    null,
  ],
  ['gives a delivered answer', { afterResponse: [() => Response.json({ success: true })] }, null],
  ['gives a refused answer', { afterResponse: [() => new Response('no', { status: 400 })] }, null],
  ['gives what is no answer', { afterResponse: [() => 'none' as unknown as Response] }, null],
  ['reads the body away', { afterResponse: [async ({ response }) => void (await response.text())] }, null],
];

describe.each(answers)('the answer %i %s', (status, content, kind) => {
  it.each(meddling)(
    'keeps its outcome, and nothing is sent again, after a hook that %s',
    async (_what, hooks, told) => {
      const { exchange, requests, logged, ...sent } = await sendThrough(withHooks(hooks), {
        answer: (socket) => void socket.write(answerText(`${status} X`, content)),
        timeoutMs: told === 'TimeoutError' ? 400 : 5000,
      });
      expect(exchange).toMatchObject({ reachedSocket: true, httpStatus: status, body: content, failure: null });
      expect([sent.kind, requests.length]).toEqual([kind, 1]);
      expect(logged.map(({ msg }) => msg)).toEqual(
        told === null ? [] : ['a ky hook failed or timed out after the API had answered; the answer counts'],
      );
      if (told !== null) expect(logged[0]?.err?.stack).toContain(told);
    },
  );
});

describe('giving a message up', () => {
  it('does not wait for hooks that are at its answer: that was seen', async () => {
    const { hook, signal } = givesUpAndHangs();
    const sent = await sendThrough(withHooks({ afterResponse: [hook] }), { signal });
    expect(sent.exchange).toMatchObject({ httpStatus: 200, failure: null });
    expect([sent.kind, sent.logged]).toEqual(['delivered', []]);
  });

  it('while the API has not answered is unknown', async () => {
    const stop = new AbortController();
    const sent = await sendThrough(ky.create({ timeout: 1 }), { answer: () => stop.abort(), signal: stop.signal });
    expect(sent.exchange).toMatchObject({ reachedSocket: true, httpStatus: null, failure: { kind: 'aborted' } });
    expect([sent.kind, sent.logged]).toEqual(['unknown', []]);
  });
});
