import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type InputLine, readLines } from '../../../src/cli/send/lines.ts';
import { UnreadableInputError } from '../../../src/cli/terminal/file-errors.ts';

const never = new AbortController().signal;

async function linesOf(...chunks: (string | Uint8Array)[]): Promise<InputLine[]> {
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  return await collect(readLines({ name: 'input', stream }, never));
}

async function collect(lines: AsyncIterable<InputLine>): Promise<InputLine[]> {
  const collected: InputLine[] = [];
  for await (const line of lines) collected.push(line);
  return collected;
}

describe('readLines', () => {
  it('ends lines at LF and CRLF, with or without one at the end of the input', async () => {
    const expected = [
      { number: 1, text: 'a' },
      { number: 2, text: 'b' },
    ];
    expect(await linesOf('a\nb\n')).toEqual(expected);
    expect(await linesOf('a\nb')).toEqual(expected);
    expect((await linesOf('a\r\nb\r\n')).map((line) => 'text' in line && line.text.trim())).toEqual(['a', 'b']);
  });

  it('counts empty lines and leaves them out', async () => {
    expect(await linesOf('\n \t\r\na\n\n')).toEqual([{ number: 3, text: 'a' }]);
    expect(await linesOf()).toEqual([]);
    expect(await linesOf('')).toEqual([]);
  });

  it('does not end a line where JSON may go on: at U+2028, U+2029, U+0085 or a lone CR', async () => {
    const text = '{"text":"a\u2028b\u2029c\u0085d"} \r {}';
    expect(await linesOf(`${text}\n`)).toEqual([{ number: 1, text }]);
  });

  it('takes a BOM for what it is', async () => {
    expect(await linesOf('\uFEFFa\n\uFEFFb\n')).toEqual([
      { number: 1, text: 'a' },
      { number: 2, text: 'b' },
    ]);
  });

  it('names a line that is not in UTF-8 instead of changing it, and goes on', async () => {
    const latin1 = Buffer.from('gr\u00fc\u00df\n', 'latin1');
    expect(await linesOf('a\n', latin1, 'grüß\n')).toEqual([
      { number: 1, text: 'a' },
      { number: 2, problem: 'is not in UTF-8' },
      { number: 3, text: 'grüß' },
    ]);
  });

  it('names a line that is too long, and goes on', async () => {
    const mebibyte = 'x'.repeat(1024 * 1024);
    const lines = await linesOf(`${mebibyte}\n`, mebibyte, 'y', '\nz\n');
    expect(lines.map((line) => ('text' in line ? line.text.length : line.problem))).toEqual([
      mebibyte.length,
      'is longer than 1 MiB',
      1,
    ]);
  });

  it('gives the same lines however the input is cut into chunks', async () => {
    const texts = fc.array(fc.string({ unit: 'grapheme-composite' }).filter((text) => !text.includes('\n')));
    await fc.assert(
      fc.asyncProperty(texts, fc.array(fc.nat(200)), async (all, cuts) => {
        const bytes = Buffer.from(all.join('\n'));
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].toSorted((a, b) => a - b);
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        const expected = all.flatMap((text, index) => {
          const withoutBom = text.replace(/^\uFEFF/, '');
          return withoutBom.trim() === '' ? [] : [{ number: index + 1, text: withoutBom }];
        });
        expect(await linesOf(...chunks)).toEqual(expected);
      }),
    );
  });

  it('gives a line as soon as it is there', async () => {
    const stream = new PassThrough();
    const lines = readLines({ name: 'input', stream }, never);
    stream.write('first\nsec');
    expect(await lines.next()).toEqual({ done: false, value: { number: 1, text: 'first' } });
    stream.end('ond');
    expect(await lines.next()).toEqual({ done: false, value: { number: 2, text: 'second' } });
    expect(await lines.next()).toEqual({ done: true, value: undefined });
  });

  it('ends at once when it is stopped, without the line that was not whole', async () => {
    const stream = new PassThrough();
    const stop = new AbortController();
    const lines = readLines({ name: 'input', stream }, stop.signal);
    stream.write('first\nsec');
    await lines.next();
    const next = lines.next();
    stop.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(stream.destroyed).toBe(true);
  });

  it('says what can not be read, by its name', async () => {
    const stream = new Readable({
      read() {
        this.destroy(Object.assign(new Error('secret words'), { code: 'EISDIR' }));
      },
    });
    const error: unknown = await collect(readLines({ name: 'messages/', stream }, never)).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(UnreadableInputError);
    expect(String(error)).toContain("messages/ can't be read: it is a folder.");
    expect(String(error)).not.toContain('secret words');
  });
});
