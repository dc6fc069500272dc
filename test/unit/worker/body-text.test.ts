import { describe, expect, it } from 'vitest';
import { textOf } from '../../../src/worker/http/body-text.ts';

const json = '{"success":false,"message":"gửi 👋"}';
const utf16 = Buffer.from(json, 'utf16le');
const swapped = Buffer.from(utf16).swap16();
const marked = (mark: number[], bytes: Uint8Array): Buffer => Buffer.from([...mark, ...bytes]);

describe('textOf', () => {
  it.each<[string, Uint8Array, string | null]>([
    ['UTF-8', Buffer.from(json), null],
    ['UTF-8 with its name', Buffer.from(json), 'application/json; charset=utf-8'],
    ['UTF-8 with its name in quotes', Buffer.from(json), 'application/json;Charset="UTF-8"'],
    ['UTF-8 with a byte order mark and another name', Buffer.from(`\uFEFF${json}`), 'text/plain; charset=iso-8859-1'],
    ['UTF-8 with a name that no charset has', Buffer.from(json), 'application/json; charset=utf8mb4'],
    ['UTF-8 with the name of UTF-16', Buffer.from(json), 'application/json; charset=utf-16'],
    ['UTF-16 with a byte order mark', marked([0xff, 0xfe], utf16), 'application/json'],
    ['UTF-16, big endian, with a byte order mark', marked([0xfe, 0xff], swapped), 'application/json; charset=utf-8'],
    ['UTF-16 without a mark', utf16, null],
    ['UTF-16, big endian, without a mark', swapped, 'application/json'],
    ['UTF-16 with its name', utf16, 'application/json; charset=utf-16'],
    ['UTF-16, big endian, with the name of both', swapped, 'application/json; charset=utf-16'],
  ])('reads %s', (_what, bytes, contentType) => {
    expect(textOf(bytes, contentType)).toBe(json);
  });

  it.each<[string, number[], string]>([
    ['iso-8859-1', [0x7b, 0xe9, 0x7d], '{é}'],
    ['windows-1252', [0x80, 0x21], '€!'],
    ['windows-1258', [0x47, 0xd0], 'GĐ'],
    ['shift_jis', [0x83, 0x65], 'テ'],
    ['gbk', [0xc4, 0xe3], '你'],
  ])('reads the charset %s', (charset, bytes, text) => {
    expect(textOf(Buffer.from(bytes), `text/plain; charset=${charset}`)).toBe(text);
  });

  it('reads UTF-16 that begins with other letters than those of ASCII, so that a key in it is seen', () => {
    const text = '你好 key-1';
    expect(textOf(Buffer.from(text, 'utf16le'), 'text/plain; charset=utf-16')).toBe(text);
  });

  it.each<[number[], string]>([
    [[], ''],
    [[0x7b], '{'],
    [[0xef, 0xbb, 0xbf], ''],
    [[0xff, 0xfe], ''],
    [[0x7b, 0xff, 0x7d], '{\uFFFD}'],
  ])('reads the bytes %j', (bytes, text) => {
    expect(textOf(Buffer.from(bytes), null)).toBe(text);
  });
});
