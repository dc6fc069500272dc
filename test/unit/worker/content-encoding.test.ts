import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES } from '../../../src/worker/http/answer-body.ts';
import { decodeContent, encodingsOf } from '../../../src/worker/http/content-encoding.ts';
import { answerText, startBrokenServer } from './broken-server.ts';
import { openSender, sendOptions } from './exchange-with.ts';
import { judge } from './exchanges.ts';

const refusal = '{"success":false,"message":"không có trang"}';

function encoded(encoding: string, body: Uint8Array, sent = body.length): Buffer {
  const head = answerText('200 OK', '', { 'content-encoding': encoding, 'content-length': String(sent) });
  return Buffer.concat([Buffer.from(head), body]);
}

async function answeredWith(encoding: string, body: Uint8Array, sent?: number) {
  const server = await startBrokenServer({
    answer: (socket) =>
      void (sent === undefined ? socket.write(encoded(encoding, body)) : socket.end(encoded(encoding, body, sent))),
  });
  return await openSender(server.origin).send('{}', sendOptions());
}

describe('an encoded answer', () => {
  it.each<[string, (text: string) => Uint8Array]>([
    ['gzip', gzipSync],
    ['GZIP', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['deflate, gzip', (text) => gzipSync(deflateSync(text))],
    ['identity', (text) => Buffer.from(text)],
    ['identity, br', brotliCompressSync],
    [' ', (text) => Buffer.from(text)],
  ])('is read although nobody asked for it: %s', async (encoding, encode) => {
    const exchange = await answeredWith(encoding, encode(refusal));
    expect(exchange).toMatchObject({ body: refusal, bodyState: 'whole', failure: null });
    expect(judge(exchange).kind).toBe('rejected');
  });

  it.each<[string, string, Uint8Array]>([
    ['is no gzip', 'gzip', Buffer.from('\u001f\u008b no gzip', 'latin1')],
    ['ends too early', 'gzip', gzipSync(refusal).subarray(0, -9)],
    ['has a wrong checksum', 'gzip', Buffer.concat([gzipSync(refusal).subarray(0, -8), Buffer.alloc(8)])],
    ['has an encoding that nobody knows', 'compress', Buffer.from('\u001f\u009d\u0090', 'latin1')],
    ['has an encoding with the name of a property of objects', 'constructor', gzipSync(refusal)],
    ['has too many encodings', 'gzip, gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(gzipSync(refusal))))],
  ])('that %s is no answer of the API', async (_what, encoding, body) => {
    const exchange = await answeredWith(encoding, body);
    expect(exchange).toMatchObject({ bodyState: 'undecoded', failure: null });
    expect(judge(exchange)).toMatchObject({
      kind: 'unknown',
      detail: "HTTP 200 with a body that can't be decoded instead of an answer of the API",
    });
  });

  it('that was decoded on its way, but kept the header, counts as it is', async () => {
    expect(judge(await answeredWith('gzip', Buffer.from('{"success":true}'))).kind).toBe('delivered');
    expect(judge(await answeredWith('gzip', Buffer.from(refusal))).kind).toBe('rejected');
  });

  it('without a body is a success', async () => {
    expect(judge(await answeredWith('gzip', Buffer.alloc(0))).kind).toBe('delivered');
  });

  it('that breaks off is read as far as it came', async () => {
    const body = gzipSync(`{"id":"${crypto.randomUUID()}","success":true}`);
    const exchange = await answeredWith('gzip', body.subarray(0, -12), body.length);
    expect(exchange.bodyState).toBe('cut');
    expect(exchange.body).toMatch(/^\{"id":"/);
    expect(judge(exchange).kind).toBe('delivered');
  });

  it('of any size costs no more than its first MiB', async () => {
    const bomb = gzipSync(Buffer.alloc(256 * MAX_BODY_BYTES, 'x'));
    const exchange = await answeredWith('gzip', bomb);
    expect([exchange.body.length, exchange.bodyState]).toEqual([MAX_BODY_BYTES, 'cut']);
  });
});

describe('encodingsOf', () => {
  it.each<[string | string[] | undefined, string[]]>([
    [undefined, []],
    ['', []],
    ['gzip', ['gzip']],
    [' Deflate ,identity, GZIP,', ['deflate', 'gzip']],
    [
      ['deflate', 'br, gzip'],
      ['deflate', 'br', 'gzip'],
    ],
  ])('reads %j', (header, names) => {
    expect(encodingsOf(header)).toEqual(names);
  });
});

describe('decodeContent', () => {
  it('says so if an inner encoding was cut', async () => {
    const inner = gzipSync(Buffer.alloc(3 * MAX_BODY_BYTES, 'x'));
    const decoded = await decodeContent(deflateSync(inner), ['gzip', 'deflate']);
    expect([decoded.state, decoded.bytes.length]).toEqual(['cut', MAX_BODY_BYTES]);
  });
});
