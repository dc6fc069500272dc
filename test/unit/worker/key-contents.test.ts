import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseKey, parsePageKeys } from '../../../src/worker/keys/key-contents.ts';

const visible = 'must consist of visible ASCII characters, without spaces or line breaks';
const noObject = 'names a file that is not a JSON object of the form { "<pageId>": "<key>" }';

function problemsOf(contents: ReturnType<typeof parseKey> | ReturnType<typeof parsePageKeys>): readonly string[] {
  return 'problems' in contents ? contents.problems : [];
}

function keysOf(text: string): Record<string, string> | null {
  const contents = parsePageKeys(text);
  return 'value' in contents ? Object.fromEntries(contents.value) : null;
}

describe('a file with one key', () => {
  it.each([
    ['abc-123_~!', 'abc-123_~!'],
    ['abc123\n', 'abc123'],
    ['abc123\r\n', 'abc123'],
  ])('%j holds the key %j', (text, key) => {
    expect(parseKey(text)).toEqual({ value: key });
  });

  it.each([
    ['nothing', '', 'names an empty file'],
    ['line breaks alone', '\n\r\n', 'names an empty file'],
    ['two lines', 'one\ntwo\n', visible],
    ['a space', 'k ey', visible],
    ['other letters', 'ключ', visible],
    ['too much', 'k'.repeat(4097), 'must be at most 4096 characters long'],
  ])('with %s holds none', (_, text, problem) => {
    expect(parseKey(text)).toEqual({ problems: [problem] });
  });
});

describe('a file with keys per page', () => {
  it.each([
    ['{}', {}],
    ['{"p1":"k1","p 2":"k2","Ω":"k1"}\n', { p1: 'k1', 'p 2': 'k2', Ω: 'k1' }],
    ['{"constructor":"k1"}', { constructor: 'k1' }],
  ])('%s is read', (text, keys) => {
    expect(keysOf(text)).toEqual(keys);
  });

  it('takes __proto__ for a page like any other', () => {
    const contents = parsePageKeys('{"__proto__":"k1","p1":"k2"}');
    const keys = 'value' in contents ? contents.value : new Map<string, string>();
    expect([keys.get('__proto__'), keys.get('p1'), keys.get('toString'), keys.size]).toEqual([
      'k1',
      'k2',
      undefined,
      2,
    ]);
    expect(parsePageKeys('{"__proto__":{"p1":"k1"}}')).toEqual({
      problems: ['line 1, column 2: the key must be a string'],
    });
  });

  it.each(['', 'key', '{"p1":"k1"', '{"p1":"k1",}', 'null', '[]', '["k1"]', '"k1"', '7'])('%j is none', (text) => {
    expect(parsePageKeys(text)).toEqual({ problems: [noObject] });
  });

  it('all that is wrong is told at once, with the place where it stands', () => {
    const text = '{\n  "p1": "k1",\n  "p2": "two words",\n  "": "k3", "p4": null,\n  "\\u0007": ""\n}';
    expect(parsePageKeys(text)).toEqual({
      problems: [
        `line 3, column 3: the key ${visible}`,
        'line 4, column 3: the page id must not be empty',
        'line 4, column 13: the key must be a string',
        'line 5, column 3: the page id must not contain control characters',
        `line 5, column 3: the key ${visible}`,
      ],
    });
    expect(parsePageKeys('{"\\u0070": 7}')).toEqual({ problems: ['an entry: the key must be a string'] });
  });

  it('is not told more problems than anybody reads', () => {
    const entries = Array.from({ length: 10_000 }, (_, index) => [`p${index}`, '']);
    expect(problemsOf(parsePageKeys(JSON.stringify(Object.fromEntries(entries)))).length).toBeLessThanOrEqual(51);
  });

  it('gives every page of any object its own key, and no other page one', () => {
    const keys = fc.dictionary(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
      // A key in quotes is refused.
      fc.stringMatching(/^[!-~]{1,100}$/).filter((key) => !/^(["']).*\1$/.test(key)),
    );
    fc.assert(
      fc.property(keys, fc.string(), (given, page) => {
        const contents = parsePageKeys(JSON.stringify(given));
        const read = 'value' in contents ? contents.value : null;
        expect(new Map(Object.entries(given))).toEqual(read);
        expect(read?.has(page)).toBe(Object.hasOwn(given, page));
      }),
    );
  });

  it('is never quoted in a problem: neither keys nor pages, which are keys in a file the wrong way round', () => {
    const secret = fc.stringMatching(/^[a-z]{12}$/).map((text) => `Kx9${text}`);
    const shapes = [
      (text: string) => text,
      (text: string) => `${text}\n${text}`,
      (text: string) => `{"${text}": "two words"}`,
      (text: string) => `{"p1": "two ${text}"}`,
      (text: string) => `{"${text}\\u0000": "${text} "}`,
      (text: string) => `{"${text.repeat(20)}": ["${text}"]}`,
      (text: string) => `["${text}"]`,
      (text: string) => `{"p1": "${text}`,
    ];
    fc.assert(
      fc.property(secret, fc.constantFrom(...shapes), (text, shape) => {
        const problems = problemsOf(parsePageKeys(shape(text)));
        expect(problems.length).toBeGreaterThan(0);
        expect([...problems, ...problemsOf(parseKey(`${shape(text)} ${text}`))].join('\n')).not.toContain(text);
      }),
    );
  });
});
