import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { OutcomeKind } from '../../../src/shared/model/attempts.ts';
import { MAX_BODY_BYTES } from '../../../src/worker/http/answer-body.ts';
import type { Exchange, ExchangeFailure } from '../../../src/worker/http/exchange.ts';
import { dispatch } from '../../../src/worker/http/dispatch.ts';
import { answerText, ok, startBrokenServer } from './broken-server.ts';
import { kindOf, openAgent, requestTo } from './exchange-with.ts';

const longMs = 5000;
/** Within this time the first bytes must come even on a busy machine. */
const shortMs = 500;

/** Sends one request to a server that meets it with a fault, and one more that must come through. */
async function sendThroughFault(fault: (socket: Socket) => void, timeoutMs = longMs): Promise<Exchange> {
  const server = await startBrokenServer({
    answer(socket, nth, request) {
      if (nth === 1) fault(socket);
      else ok(socket, nth, request);
    },
  });
  const agent = openAgent();
  const exchange = await dispatch(agent, requestTo(server.origin, { body: '{"n":1}', timeoutMs }));
  const second = await dispatch(agent, requestTo(server.origin, { body: '{"n":2}', timeoutMs: longMs }));
  expect(second).toMatchObject({ httpStatus: 200, body: '{"success":true}', failure: null });
  expect(server.received.map(({ body }) => body.toString())).toEqual(['{"n":1}', '{"n":2}']);
  return exchange;
}

function timeFor(failure: Exchange['failure'] | undefined): number {
  return failure?.kind === 'timeout' ? shortMs : longMs;
}

const closed: ExchangeFailure = { kind: 'connection', code: 'UND_ERR_SOCKET' };
const late: ExchangeFailure = { kind: 'timeout' };
const broken = { kind: 'connection' } as ExchangeFailure;

const reset = (socket: Socket): void => void socket.resetAndDestroy();
const write =
  (...texts: string[]) =>
  (socket: Socket): void =>
    texts.forEach((text) => socket.write(text));
const inPieces =
  (text: string) =>
  (socket: Socket): void =>
    Buffer.from(text).forEach((byte) => socket.write(Buffer.of(byte)));
const end =
  (text: string) =>
  (socket: Socket): void =>
    void socket.end(text);

describe('a request that arrived and was not answered', () => {
  it.each<[string, (socket: Socket) => void, ExchangeFailure]>([
    ['is reset', reset, { kind: 'connection', code: 'ECONNRESET' }],
    ['is closed', end(''), closed],
    ['gets no answer in time', () => {}, late],
    ['gets something else than HTTP', write('SSH-2.0-OpenSSH_9.6\r\n'), broken],
    ['gets TLS', write('\x15\x03\x03\x00\x02\x02\x28'), broken],
    ['gets HTTP/2', write('\x00\x00\x00\x04\x00\x00\x00\x00\x00'), broken],
    ['gets half a status line and a close', end('HTTP/1.1 20'), broken],
    ['gets half the headers and a close', end('HTTP/1.1 200 OK\r\ncontent-le'), broken],
    ['gets half the headers and no more', write('HTTP/1.1 200 OK\r\ncontent-le'), late],
    ['gets a broken header', write('HTTP/1.1 200 OK\r\nno colon\r\n\r\n'), broken],
    ['gets too many headers', write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`), broken],
    ['gets a 100 Continue that nobody asked for', write('HTTP/1.1 100 Continue\r\n\r\n'), broken],
    ['gets other protocols', write('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'), broken],
    ['gets early hints and no more', write('HTTP/1.1 103 Early Hints\r\n\r\n'), late],
  ])('is unknown when it %s, and the next one comes through', async (_what, fault, failure) => {
    const exchange = await sendThroughFault(fault, timeFor(failure));
    expect(exchange).toMatchObject({ reachedSocket: true, httpStatus: null, body: '', failure });
    expect(kindOf(exchange)).toBe('unknown');
    expect(exchange.durationMs).toBeLessThan(longMs);
  });

  it('is unknown when the server resets without reading it', async () => {
    const server = await startBrokenServer({
      connected(socket, nth) {
        if (nth > 1) return 'read';
        socket.on('readable', () => socket.resetAndDestroy());
        return 'taken';
      },
    });
    const agent = openAgent();
    const exchange = await dispatch(agent, requestTo(server.origin));
    expect(exchange).toMatchObject({ reachedSocket: true, failure: { kind: 'connection', code: 'ECONNRESET' } });
    expect(kindOf(exchange)).toBe('unknown');
    expect(kindOf(await dispatch(agent, requestTo(server.origin)))).toBe('delivered');
  });
});

describe('a request whose answer broke off after the headers', () => {
  const headers = (status: string, length = 100): string => `HTTP/1.1 ${status}\r\ncontent-length: ${length}\r\n\r\n`;
  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

  const part = '{"succ';

  it.each<[string, (socket: Socket) => void, OutcomeKind, Partial<Exchange>]>([
    ['200 and no body in time', write(headers('200 OK')), 'delivered', { httpStatus: 200, failure: late }],
    ['200, half a body and no more', write(headers('200 OK'), part), 'delivered', { body: part, failure: late }],
    ['200, half a body and a close', end(headers('200 OK') + part), 'delivered', { body: part, failure: closed }],
    [
      '200 and broken chunks',
      write(chunked, 'xyz\r\n'),
      'delivered',
      { failure: expect.anything() as ExchangeFailure },
    ],
    ['200 and chunks without an end', end(`${chunked}2\r\nOk\r\n`), 'delivered', { body: 'Ok', failure: closed }],
    ['400 and no body in time', write(headers('400 Bad')), 'rejected', { httpStatus: 400, failure: late }],
    ['401 and no body in time', write(headers('401 No')), 'held', { httpStatus: 401, failure: late }],
    ['503 that began to say limit', end(`${headers('503 Busy')}limit`), 'held', { httpStatus: 503, failure: closed }],
    ['500 and no body in time', write(headers('500 Oops')), 'unknown', { httpStatus: 500, failure: late }],
  ])('is judged by its status: %s', async (_what, fault, kind, expected) => {
    const exchange = await sendThroughFault(fault, timeFor(expected.failure));
    expect(exchange).toMatchObject({ reachedSocket: true, ...expected });
    expect(kindOf(exchange)).toBe(kind);
  });

  it('is delivered when a reset follows the headers', async () => {
    const exchange = await sendThroughFault((socket) =>
      socket.write(headers('200 OK'), () => setTimeout(() => reset(socket), 20)),
    );
    expect(exchange).toMatchObject({ httpStatus: 200, failure: { kind: 'connection', code: 'ECONNRESET' } });
    expect(kindOf(exchange)).toBe('delivered');
  });

  it('ends in time when the body comes byte by byte', async () => {
    const exchange = await sendThroughFault((socket) => {
      socket.write(headers('200 OK', 10_000));
      const drip = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => clearInterval(drip));
    }, shortMs);
    expect(exchange).toMatchObject({ httpStatus: 200, failure: { kind: 'timeout' } });
    expect(exchange.body).toMatch(/^x+$/);
    expect(exchange.durationMs).toBeLessThan(longMs);
    expect(kindOf(exchange)).toBe('delivered');
  });
});

describe('a request that was answered in an unusual way', () => {
  it.each([
    ['early hints before', write('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n', answerText('200 OK', 'Ok')), 'Ok'],
    [
      'several informational answers before',
      write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(3), answerText('200 OK', 'Ok')),
      'Ok',
    ],
    ['HTTP/1.0', end('HTTP/1.0 200 OK\r\n\r\nOk'), 'Ok'],
    ['no length, up to the close', end('HTTP/1.1 200 OK\r\n\r\nOk'), 'Ok'],
    [
      'chunks and a trailer',
      write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nOk\r\n0\r\nx: y\r\n\r\n'),
      'Ok',
    ],
    ['one byte at a time', inPieces(answerText('200 OK', 'Ok')), 'Ok'],
    ['204', write('HTTP/1.1 204 No Content\r\n\r\n'), ''],
    ['connection: close', end(answerText('200 OK', 'Ok', { connection: 'close' })), 'Ok'],
    ['characters of several bytes, one byte at a time', inPieces(answerText('200 OK', 'ế👋')), 'ế👋'],
  ])('is delivered: %s', async (_what, answer, body) => {
    const exchange = await sendThroughFault(answer);
    expect(exchange).toMatchObject({ body, failure: null });
    expect(kindOf(exchange)).toBe('delivered');
  });

  it('keeps the first 64 KiB of a body and does not wait for the rest', async () => {
    const exchange = await sendThroughFault((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n${'x'.repeat(MAX_BODY_BYTES + 10_000)}`);
    });
    expect(exchange).toMatchObject({ httpStatus: 200, body: 'x'.repeat(MAX_BODY_BYTES), failure: null });
  });

  it('does not give an answer too many to the next request', async () => {
    const exchange = await sendThroughFault(write(answerText('200 OK', 'Ok') + answerText('400 Bad', 'not yours')));
    expect(exchange).toMatchObject({ httpStatus: 200, body: 'Ok' });
  });
});
