import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import type { OutcomeKind } from '../../../src/shared/model/attempts.ts';
import { drawFor } from '../../../src/testing/fake-api/random.ts';
import { dispatch } from '../../../src/worker/http/dispatch.ts';
import type { HttpRequest } from '../../../src/worker/http/http-request.ts';
import { answerText, startBrokenServer } from './broken-server.ts';
import { kindOf, openAgent, requestTo } from './exchange-with.ts';
import { selfSigned } from './self-signed.ts';

const REQUESTS = 3000;
const AT_ONCE = 24;
const POOL = 6;
/** When a server that never answers is given up; all others are given all the time that they need. */
const SILENCE_MS = 400;

/** One row of the table of outcomes, provoked for real. */
interface Row {
  name: string;
  kind: OutcomeKind;
  /** Nothing comes of it: it is given up after a while. */
  silent?: true;
  /** Where the request goes; the broken server if not said. */
  to?: 'closed port' | 'no such host' | 'untrusted' | 'handshake that never ends';
  /** What the server does when it has read the request. */
  answer?: (socket: Socket) => unknown;
  request?: () => Partial<HttpRequest>;
}

const answering = (status: string, kind: OutcomeKind, body = '', headers = {}): Row => ({
  name: `${status} ${body}`,
  kind,
  answer: (socket) => socket.write(answerText(status, body, headers)),
});

const rows: Row[] = [
  { name: 'refused', kind: 'not-sent', to: 'closed port' },
  { name: 'DNS failure', kind: 'not-sent', to: 'no such host' },
  { name: 'TLS refused by us', kind: 'not-sent', to: 'untrusted' },
  { name: 'connect timeout', kind: 'not-sent', to: 'handshake that never ends', silent: true },
  { name: 'lock too short', kind: 'not-sent', request: () => ({ startBefore: performance.now() - 1 }) },
  { name: 'given up before it was sent', kind: 'not-sent', request: () => ({ signal: AbortSignal.abort() }) },
  answering('429 Slow down', 'held'),
  answering('503 Busy', 'held', '', { 'retry-after': '1' }),
  answering('503 Busy', 'held', 'request limit exceeded'),
  answering('503 Down', 'held'),
  answering('401 Who', 'held'),
  answering('403 No', 'held'),
  ...['400 Bad', '404 Gone', '413 Large', '422 Odd', '418 Teapot'].map((status) => answering(status, 'rejected')),
  answering('200 OK', 'rejected', '{"success":false}'),
  answering('200 OK', 'rejected', '{"success":0}'),
  answering('200 OK', 'delivered', '{"success":true}'),
  answering('200 OK', 'delivered', 'Ok'),
  {
    name: '2xx, then a broken body',
    kind: 'delivered',
    answer: (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{', () => socket.resetAndDestroy()),
  },
  {
    name: '2xx, then a body that never ends',
    kind: 'delivered',
    silent: true,
    answer: (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{'),
  },
  ...['408 Late', '500 Oops', '502 Bad', '504 Late'].map((status) => answering(status, 'unknown')),
  answering('302 Found', 'unknown', '', { location: 'http://127.0.0.1:9/' }),
  { name: 'no answer in time', kind: 'unknown', silent: true, answer: () => {} },
  { name: 'reset after the request', kind: 'unknown', answer: (socket) => socket.resetAndDestroy() },
  { name: 'close after the request', kind: 'unknown', answer: (socket) => socket.end() },
  { name: 'no HTTP', kind: 'unknown', answer: (socket) => socket.write('garbage\r\n\r\n') },
  {
    name: 'given up in mid-request',
    kind: 'unknown',
    answer: () => {},
    request: () => ({ signal: AbortSignal.timeout(SILENCE_MS / 2) }),
  },
];

it('every row of the table is judged as it says, over 3,000 random faults through a small pool', async () => {
  const byName = new Map(rows.map((row) => [row.name, row]));
  const received = new Set<number>();
  const broken = await startBrokenServer({
    answer(socket, _nth, { body }) {
      const { n, row } = JSON.parse(body.toString()) as { n: number; row: string };
      received.add(n);
      byName.get(row)?.answer?.(socket);
    },
  });
  const untrusted = await startBrokenServer({ tls: selfSigned });
  const silent = await startBrokenServer({ connected: () => 'taken' });
  const origins = {
    'closed port': 'http://127.0.0.1:9',
    'no such host': 'http://nonexistent.invalid',
    untrusted: untrusted.origin,
    'handshake that never ends': silent.origin.replace('http:', 'https:'),
  };
  const agent = openAgent({ connections: POOL, connect: { timeout: SILENCE_MS } });

  const judged: { n: number; row: Row; kind: OutcomeKind; isAnswered: boolean }[] = [];
  let next = 0;
  const sendOneByOne = async (): Promise<void> => {
    while (next < REQUESTS) {
      const n = next;
      next += 1;
      const row = rows[Math.floor(drawFor(1, `row ${n}`) * rows.length)];
      if (!row) throw new Error('there is a row for every draw');
      const exchange = await dispatch(
        agent,
        requestTo(row.to ? origins[row.to] : broken.origin, {
          body: JSON.stringify({ n, row: row.name }),
          timeoutMs: row.silent ? SILENCE_MS : 20_000,
          ...row.request?.(),
        }),
      );
      judged.push({ n, row, kind: kindOf(exchange), isAnswered: exchange.httpStatus !== null });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendOneByOne));

  // What arrived at the server is never called safe to resend.
  expect(judged.filter(({ n, kind }) => received.has(n) && kind === 'not-sent')).toEqual([]);
  // Of what never arrived, at most one in twenty is called unknown.
  const neverArrived = judged.filter(({ n }) => !received.has(n));
  const calledUnknown = neverArrived.filter(({ kind }) => kind === 'unknown');
  expect(neverArrived.length).toBeGreaterThan(300);
  expect(calledUnknown.length / neverArrived.length).toBeLessThanOrEqual(0.05);
  // A wait for a free socket may end a request before its row could happen: that is not sent, and said so.
  // And so may its time: sent at its end, it is given up before any answer could come.
  const isCutShort = ({ n, row, kind, isAnswered }: (typeof judged)[number]): boolean =>
    (kind === 'not-sent' && !received.has(n)) || (kind === 'unknown' && row.silent === true && !isAnswered);
  const wrong = judged.filter((one) => one.kind !== one.row.kind && !isCutShort(one));
  expect(wrong.map(({ row, kind }) => `${row.name}: ${kind}`)).toEqual([]);
  const asStated = judged.filter(({ row, kind }) => kind === row.kind);
  expect(new Set(asStated.map(({ row }) => row.name)).size).toBe(byName.size);
}, 60_000);
