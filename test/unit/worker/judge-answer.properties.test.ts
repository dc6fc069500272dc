import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textOf } from '../../../src/worker/http/body-text.ts';
import { decodeContent } from '../../../src/worker/http/content-encoding.ts';
import { judgeAnswer, type AnswerVerdict } from '../../../src/worker/message/judge-answer.ts';

function judge(body: string, contentType: string | null = 'application/json'): AnswerVerdict {
  return judgeAnswer({ contentType, bodyState: 'whole', body }, 'strict');
}

const saying = fc.constantFrom('success', 'ok', 'status', 'error', 'errors', 'data', 'message');
const said = fc.oneof(
  fc.constantFrom(true, false, 0, 1, null, '', 'false', '0', 'error', 'failed', 'done'),
  fc.constantFrom<unknown[]>([], [1], [{}]),
  fc.jsonValue({ maxDepth: 1 }),
);
const anyObject = fc.dictionary(fc.oneof(saying, fc.string()), said);
const anyJson = fc.oneof(anyObject, fc.array(anyObject), fc.jsonValue({ maxDepth: 2 }));

const encodings: Record<string, (bytes: Buffer) => Uint8Array> = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  'deflate without its header': deflateRawSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
};
const anyEncodings = fc.array(fc.constantFrom(...Object.keys(encodings)), { maxLength: 3 });

interface Charset {
  name: string | null;
  encode: (text: string) => Buffer;
}
const bigEndian = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
const anyCharset = fc.constantFrom<Charset>(
  { name: null, encode: (text) => Buffer.from(text) },
  { name: 'utf-8', encode: (text) => Buffer.from(`\uFEFF${text}`) },
  { name: 'UTF8', encode: (text) => Buffer.from(text) },
  { name: 'no-such-charset', encode: (text) => Buffer.from(text) },
  { name: 'utf-16', encode: (text) => Buffer.from(text) },
  { name: null, encode: (text) => Buffer.from(text, 'utf16le') },
  { name: null, encode: bigEndian },
  { name: 'utf-8', encode: (text) => Buffer.from(`\uFEFF${text}`, 'utf16le') },
  { name: 'utf-16', encode: (text) => bigEndian(`\uFEFF${text}`) },
  { name: 'utf-16be', encode: bigEndian },
);

describe('the verdict on an answer, as a rule', () => {
  it('is the same under every encoding and charset', async () => {
    await fc.assert(
      fc.asyncProperty(anyJson, anyEncodings, anyCharset, async (answer, names, { name, encode }) => {
        const text = JSON.stringify(answer);
        let bytes: Uint8Array = encode(text);
        for (const encoding of names) bytes = encodings[encoding]?.(Buffer.from(bytes)) ?? bytes;
        const decoded = await decodeContent(
          bytes,
          names.map((encoding) => encoding.split(' ')[0] ?? ''),
        );
        expect(decoded.state).toBe('whole');
        const contentType = `application/json${name === null ? '' : `; charset="${name}"`}`;
        expect(textOf(decoded.bytes, contentType)).toBe(text);
        expect(judge(textOf(decoded.bytes, contentType), contentType)).toEqual(judge(text));
      }),
    );
  });

  it('is the same in every list, among space, and in every case of the keys', () => {
    const spaces = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t', '\uFEFF'), maxLength: 4 });
    const anyAround = fc.tuple(spaces, fc.nat(3), spaces);
    const anyCase = fc.func(fc.boolean());
    fc.assert(
      fc.property(anyObject, anyAround, anyCase, (answer, [before, depth, after], isUpper) => {
        // Two keys that differ only in case are two statements, of which the first counts in the detail.
        const entries = Object.entries(answer).map(([key, value]): [string, unknown] => [
          /^[a-z]+$/.test(key)
            ? key.replaceAll(/./g, (letter, at: number) => (isUpper(letter, at) ? letter.toUpperCase() : letter))
            : key,
          value,
        ]);
        const text = JSON.stringify(Object.fromEntries(entries));
        const wrapped = `${before}${'['.repeat(depth)}${text}${']'.repeat(depth)}${after}`;
        expect(judge(wrapped).kind).toBe(judge(JSON.stringify(answer)).kind);
      }),
    );
  });

  it('is a refusal whatever stands beside a refusal, and whatever the API calls its type', () => {
    const no = fc.constantFrom(
      { success: false },
      { success: ' FALSE' },
      { ok: false },
      { status: 'failed' },
      { error: 'x' },
    );
    const type = fc.constantFrom('application/json', 'text/html', 'text/plain', 'application/problem+json', null);
    fc.assert(
      fc.property(anyObject, no, type, (others, refusal, contentType) => {
        expect(judge(JSON.stringify({ ...others, ...refusal }), contentType).kind).toBe('rejected');
      }),
    );
  });

  it('never throws, and quotes nothing of the answer', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.string().map((text) => `<${text}`),
    );
    fc.assert(
      fc.property(anyText, fc.option(fc.string()), fc.uuid(), (text, contentType, secret) => {
        const detail = judge(text + secret, contentType).detail ?? '';
        expect(detail).not.toContain(secret);
        expect(judge(text, `${contentType}/${secret}`).detail ?? '').not.toContain(secret);
      }),
    );
  });
});
