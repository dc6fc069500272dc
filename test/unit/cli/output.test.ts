import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { jsonLine, line } from '../../../src/cli/context/context.ts';
import { factTable, textTable } from '../../../src/cli/terminal/table.ts';

function written(write: (stream: PassThrough) => void): string {
  const stream = new PassThrough();
  write(stream);
  return String(stream.read());
}

describe('output', () => {
  it('for people keeps lines apart and lets no control character through to the terminal', () => {
    expect(written((stream) => line(stream, 'a\nb\u001b[31mc\u009b2Jd\r\u0007e'))).toBe('a\nb [31mc 2Jd  e\n');
  });

  it('for machines is one line of JSON without a control character, and means the same', () => {
    const value = { text: 'a\nb\u001bc\u009b2J\u007fd\u2028\u0085e', grüß: '👋' };
    const json = written((stream) => jsonLine(stream, value));
    expect(json.slice(0, -1)).not.toMatch(/\p{Cc}/u);
    expect(json).toContain('👋');
    expect(JSON.parse(json)).toEqual(value);
  });
});

describe('table', () => {
  it('aligns texts to the left and numbers to the right, under a head', () => {
    expect(
      textTable([
        ['name', 'count'],
        ['a', 7],
        ['longer', 12_345_678],
        ['b', null],
      ]),
    ).toBe(['name    count', 'a              7', 'longer  12345678', 'b       –'].join('\n'));
  });

  it('keeps every row on its line', () => {
    expect(textTable([['a\nb', 'c\u2028d\te']])).toBe('a b  c d e');
  });
});

describe('factTable', () => {
  it('puts names before facts, numbers too to the left, and leaves out what is not known', () => {
    expect(factTable({ id: 'x', page: null, attempts: 3 })).toBe(['id        x', 'attempts  3'].join('\n'));
  });
});
