import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startNode } from '../../support/command-line.ts';
import { useFolder } from '../../support/use-folder.ts';

const program = new URL('load-hooks-process.ts', import.meta.url).pathname;
const hook = '() => undefined';
const both = ['beforeSend', 'classifyResponse'];

const usable: [string, string, string[]][] = [
  ['one.mjs', `export const beforeSend = ${hook};`, ['beforeSend']],
  ['two.js', `export const beforeSend = ${hook}; export function classifyResponse() {}`, both],
  ['object.mjs', `export default { beforeSend() {}, classifyResponse: ${hook} };`, both],
  ['mixed.mjs', `export default { beforeSend() {} }; export const classifyResponse = ${hook};`, both],
  ['same.mjs', `export const beforeSend = ${hook}; export default { beforeSend };`, ['beforeSend']],
  ['common.cjs', `module.exports = { beforeSend() {}, classifyResponse: ${hook} };`, both],
  ['names.cjs', `exports.beforeSend = ${hook}; exports.classifyResponse = ${hook};`, both],
  ['compiled.cjs', `exports.__esModule = true; exports.default = { beforeSend() {} };`, ['beforeSend']],
  ['types.ts', `export const beforeSend = (message: { id: string }): undefined => undefined;`, ['beforeSend']],
  ['later.mjs', `await Promise.resolve(); export const resolveApiKey = async () => 'key';`, ['resolveApiKey']],
  ['unknown-outcome.mjs', `export const resolveUnknown = async () => 'unknown';`, ['resolveUnknown']],
  ['object-ky.mjs', `export const ky = { post() {} };`, ['ky']],
  ['function-ky.mjs', `export const ky = Object.assign(${hook}, { post() {} });`, ['ky']],
];

const SYNTAX = 'or imports a name that its module does not export; run the file with node to see the whole error';
const THROWS = 'run the file with node to see the whole error';
const LISTED = 'resolveApiKey, classifyResponse, beforeSend, resolveUnknown, ky';

const unusable: [string, string, string[]][] = [
  ['syntax.mjs', `export const secret = ;`, [`has a syntax error, ${SYNTAX}`]],
  ['syntax.cjs', `const a = 1;\nconst secret = ;`, [`has a syntax error in line 2, ${SYNTAX}`]],
  ['syntax.ts', `const a = 1;\nconst secret: number = ;`, [`has a syntax error in line 2, ${SYNTAX}`]],
  ['enum.ts', `enum Secret { a }`, [`has a syntax error in line 1, ${SYNTAX}`]],
  ['linked.mjs', `import { secret } from './one.mjs';`, [`has a syntax error in line 1, ${SYNTAX}`]],
  ['import.mjs', `import './syntax.mjs';`, [`has a syntax error, ${SYNTAX}`]],
  [
    'throws.mjs',
    `\nthrow new TypeError('secret');`,
    [`throws an error in line 2 while it is loaded (TypeError); ${THROWS}`],
  ],
  ['throws.cjs', `JSON.parse('{secret');`, [`throws an error in line 1 while it is loaded (SyntaxError); ${THROWS}`]],
  ['rejects.mjs', `await Promise.reject('secret');`, [`throws an error while it is loaded (Error); ${THROWS}`]],
  ['missing.mjs', `import 'secret-package';`, [`imports a module that can't be found; ${THROWS}`]],
  ['missing.cjs', `require('secret-package');`, [`imports a module that can't be found; ${THROWS}`]],
  ['keys.json', `{ "secret": 1 }`, ['must name a .mjs, .js, .cjs or .ts file']],
  ['keys.txt', `secret`, ['must name a .mjs, .js, .cjs or .ts file']],
  [
    'hangs.mjs',
    `export const beforeSend = ${hook}; await new Promise(() => {});`,
    ['did not finish loading within 2000 ms; does a top-level await in it wait for something?'],
  ],
  ['empty.mjs', ``, [`exports no hook; it must export at least one of ${LISTED}`]],
  ['empty.cjs', ``, [`exports no hook; it must export at least one of ${LISTED}`]],
  [
    'typo.mjs',
    `export const beforeSnd = ${hook}; export const classify_response = ${hook}; export const ky = { post() {} };`,
    [
      'exports beforeSnd, which is no hook; did you mean beforeSend?',
      'exports classify_response, which is no hook; did you mean classifyResponse?',
    ],
  ],
  [
    'typo-inside.mjs',
    `export default { befourSend() {} };`,
    ['exports befourSend, which is no hook; did you mean beforeSend?'],
  ],
  [
    'unknown.mjs',
    `export const beforeSend = ${hook}; export const fetch = 'secret';`,
    [`exports fetch, which is no hook; the hooks are ${LISTED}`],
  ],
  ['default.mjs', `export default ${hook};`, ['its default export must be an object with hooks, or be left out']],
  ['null.mjs', `export default null;`, ['its default export must be an object with hooks, or be left out']],
  [
    'twice.mjs',
    `export const beforeSend = ${hook}; export default { beforeSend() {} };`,
    ['exports beforeSend twice, by name and in its default export; keep one of them'],
  ],
  [
    'kinds.mjs',
    `export const beforeSend = 'secret', ky = {}, resolveApiKey = undefined; export async function classifyResponse() {}`,
    [
      'its export beforeSend must be a function',
      'its export classifyResponse must not be async: the worker does not wait for a judgement',
      'its export ky must be a ky instance, with a function post',
      'its export resolveApiKey must be a function',
    ],
  ],
];

describe('a file of hooks', async () => {
  const folder = useFolder();
  const inFolder = (name: string): string => join(folder, name);
  for (const [name, text] of [...usable, ...unusable]) writeFileSync(inFolder(name), text);
  mkdirSync(inFolder('folder.mjs'));
  symlinkSync('throws.mjs', inFolder('link.mjs'));
  const special = {
    relative: relative(process.cwd(), inFolder('one.mjs')),
    link: inFolder('link.mjs'),
    folder: inFolder('folder.mjs'),
    nothing: inFolder('secret.mjs'),
    relativeNothing: 'secret.mjs',
    empty: '',
  };
  const paths = [...[...usable, ...unusable].map(([name]) => inFolder(name)), ...Object.values(special)];
  await using loading = startNode([program, ...paths]);
  expect([await loading.ended(), ...loading.stderr]).toEqual([0]);
  const results = new Map(paths.map((path, index) => [path, JSON.parse(loading.stdout[index] ?? '') as string[]]));
  const problems = (path: string): string[] =>
    (results.get(path) ?? []).map((problem) => problem.replace(/^--hooks: /, ''));

  it.each(usable)('gives its hooks: %s', (name, _text, hooks) => {
    expect(results.get(inFolder(name))).toEqual(hooks);
  });

  it.each(unusable)('says why it can not be used: %s', (name, _text, expected) => {
    expect(results.get(inFolder(name))).toEqual(expected.map((problem) => `--hooks: ${problem}`));
  });

  it('counts a relative path from the working folder', () => {
    expect(isAbsolute(special.relative)).toBe(false);
    expect(results.get(special.relative)).toEqual(['beforeSend']);
    expect(problems(special.relativeNothing)).toEqual([
      `names a file that can't be read (ENOENT); relative paths count from ${process.cwd()}`,
    ]);
  });

  it('can be a link, but not a folder, nothing or no path', () => {
    expect(problems(special.link)[0]).toMatch(/^throws an error in line 2/);
    expect(problems(special.folder)).toEqual(['names something that is not a file']);
    expect(problems(special.nothing)).toEqual(["names a file that can't be read (ENOENT)"]);
    expect(problems(special.empty)).toEqual(['must not be empty']);
  });

  it('is never quoted, nor is its path', () => {
    expect([...results.values()].flat().join('\n')).not.toContain('secret');
  });
});
