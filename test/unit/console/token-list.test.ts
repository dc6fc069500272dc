import { describe, expect, it } from 'vitest';
import { parseTokens } from '../../../src/console/rights/token-list.ts';
import { tried } from '../../support/tried.ts';

const SECRET = 'SECRET-0123456789abcdef';
const entry = { name: 'anna', token: SECRET, role: 'operate' };

function problemsOf(json: unknown): readonly string[] {
  const contents = parseTokens(typeof json === 'string' ? json : JSON.stringify(json));
  return 'problems' in contents ? contents.problems : [];
}

describe('a file of tokens', () => {
  it('gives each name a token, a role and, if it says so, its pages', () => {
    const text = `\uFEFF${JSON.stringify([
      { ...entry, pages: ['p1', 'p 2'] },
      { name: 'ops@example', token: `${SECRET}2`, role: 'admin' },
    ])}\n`;
    expect(parseTokens(text)).toEqual({
      value: [
        { ...entry, pages: new Set(['p1', 'p 2']) },
        { name: 'ops@example', token: `${SECRET}2`, role: 'admin', pages: null },
      ],
    });
  });

  const wrong: [unknown, string | RegExp][] = [
    ['', 'names an empty file'],
    ['{', /^names a file that is not JSON of the form/],
    [{ [SECRET]: entry }, /^the list: must have the form \[/],
    [[], /^the list: must have at least one token/],
    [[SECRET], '[0]: must be an object'],
    [[entry, { ...entry, name: '' }], '[1].name: must be 1 to 64 letters, digits, "-", "_", ".", "@" or "+"'],
    [[{ ...entry, name: 'two words' }], /^\[0\]\.name: must be 1 to 64/],
    [[{ ...entry, name: undefined }], '[0].name: is required'],
    [[{ ...entry, token: 'SECRET-15-chars' }], /^\[0\]\.token: must be at least 16 characters long/],
    [[{ ...entry, token: `${SECRET} x` }], /^\[0\]\.token: must consist of visible ASCII/],
    [[{ ...entry, role: SECRET }], '[0].role: must be one of view, operate, admin'],
    [[{ ...entry, role: undefined }], '[0].role: must be one of view, operate, admin'],
    [[{ ...entry, pages: [] }], '[0].pages: must name a page; leave the field out for all pages'],
    [[{ ...entry, pages: SECRET }], '[0].pages: must be an array'],
    [[{ ...entry, pages: ['p1', ''] }], '[0].pages[1]: must not be empty'],
    [[{ ...entry, [SECRET]: 'anna' }], '[0]: has a field other than name, token, role and pages'],
    [[entry, { ...entry, token: `${SECRET}2` }], '[1].name: is the same as that of an entry before it'],
    [[entry, { ...entry, name: 'bert' }], '[1].token: is the same as that of an entry before it'],
  ];

  it.each(wrong)('is refused as %j, with the place and without its text', (json, expected) => {
    const problems = problemsOf(json);
    expect(problems).toEqual([typeof expected === 'string' ? expected : expect.stringMatching(expected)]);
    expect(problems.join('')).not.toContain('SECRET');
    tried({
      against: 'console',
      input: 'files of tokens with wrong, missing, unknown and repeated fields, the token in place of each other field',
      result: 'refused with the place, never quoted',
    });
  });
});
