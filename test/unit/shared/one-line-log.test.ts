import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../src/shared/logging/logger.ts';

/** What readers split lines at, or what a terminal obeys: line breaks of Unicode, C0, DEL and C1. */
const BREAKS = /[\p{Cc}\u2028\u2029]/u;

let written: string[] = [];
const log = createLogger({ level: 'info', destination: { write: (line: string) => void written.push(line) } });

function logged(fields: object, text: string): string[] {
  written = [];
  log.info(fields, text);
  log.child({ ...fields }).warn({ err: new Error(text) }, text);
  return written;
}

describe('each event is one line of JSON for every reader', () => {
  it.each([
    ['a line break', 'a\nb\r\nc'],
    ['line breaks of Unicode', 'a\u0085b\u2028c\u2029d'],
    ['what a terminal obeys', '\u001b[2J\u009b31m\u0000\u007f\u0008'],
    ['half a surrogate pair', 'a\ud800b\udc00'],
    ['quotes and backslashes', '"\\"\\u2028'],
    ['a megabyte', 'x'.repeat(1024 * 1024)],
  ])('with %s in its data', (_what, text) => {
    for (const line of logged({ pageId: text, [text.slice(0, 50)]: { label: [text] } }, text)) {
      expect(line.endsWith('\n')).toBe(true);
      expect(line.slice(0, -1)).not.toMatch(BREAKS);
      const read = JSON.parse(line) as { pageId: string; msg: string };
      expect([read.pageId, read.msg]).toEqual([text.toWellFormed() === text ? text : read.pageId, text]);
    }
  });

  it('with anything in its data, which can be read from it again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const line of logged({ pageId: text }, text)) {
          expect(line.slice(0, -1)).not.toMatch(BREAKS);
          expect(JSON.parse(line)).toMatchObject({ pageId: text, msg: text });
        }
      }),
    );
  });
});
