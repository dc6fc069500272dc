import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';

import { beforeAll, describe, expect, it } from 'vitest';

import { brokenJson, typeErrors } from '../../../scripts/docs/code.ts';
import { type Known, unknownCommands, unknownVariables } from '../../../scripts/docs/commands.ts';
import { brokenLinks } from '../../../scripts/docs/links.ts';
import { type Page, parsePage } from '../../../scripts/docs/markdown.ts';
import { allPages, projectRoot } from '../../../scripts/docs/pages.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { variables } from '../../../src/shared/config/variables.ts';

const { scripts } = JSON.parse(readFileSync(new URL('package.json', projectRoot), 'utf8')) as {
  scripts: Record<string, string>;
};

const variableNames = new Set(variables.flatMap(({ name, fileName }) => [name, fileName ?? name]));

const known: Known = {
  program: createProgram(
    {
      env: {},
      stdin: new PassThrough(),
      typing: false,
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      interactive: false,
      onScreen: false,
      screenSize: () => ({ columns: 80, rows: 24 }),
      atExit: new Set(),
      onFault: new Set(),
      interrupted: new AbortController().signal,
      self: { command: '', args: [] },
    },
    () => {},
  ),
  npmScripts: new Set(Object.keys(scripts)),
  programs: new Set(
    'apt-get brew cat cp curl docker-compose echo export find git id jq mkdir mv promtool psql redis-cli redis-server sudo'.split(
      ' ',
    ),
  ),
  root: projectRoot,
};

const wrong = parsePage(
  'docs/wrong.md',
  [
    '<!-- ts',
    'declare const id: string;',
    '-->',
    '```ts',
    "import { createProducer } from 'kitechat-sender';",
    'await createProducer().getMessage(id);',
    'await createProducer().getMesage(id);',
    '```',
  ].join('\n'),
);

let pages: Page[];
/** Of all pages and the wrong one, since the compiler takes seconds to load the types of the package. */
let errors: string[];

beforeAll(() => {
  pages = allPages();
  errors = typeErrors([...pages, wrong], projectRoot);
});

describe('the docs', () => {
  it('are all looked at', () => {
    expect(pages.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/operations.md', 'docs/api.md']),
    );
  });

  it('link only to files and headings that are there', () => {
    expect(brokenLinks(pages, projectRoot)).toEqual([]);
  });

  it('name only commands, flags and npm scripts that are there', () => {
    expect(unknownCommands(pages, known)).toEqual([]);
  });

  it('name only variables of the schema', () => {
    expect(unknownVariables(pages, variableNames)).toEqual([]);
  });

  it('have TypeScript that the compiler takes with the types of the package', () => {
    expect(errors.filter((error) => !error.startsWith(wrong.path))).toEqual([]);
  });

  it('have JSON that can be read', () => {
    expect(brokenJson(pages)).toEqual([]);
  });
});

describe('the check of the docs', () => {
  const page = (...lines: string[]): Page[] => [parsePage('docs/new.md', lines.join('\n'))];
  const shell = (...lines: string[]): string[] => unknownCommands(page('```sh', ...lines, '```'), known);

  it('finds a link to a file that is not there, and to a heading that is not there', () => {
    const links = page('# A title', '[a](gone.md) [b](#a-title) [c](#another)', '`[d](gone.md)`', '[e](../README.md)');
    expect(brokenLinks(links, projectRoot)).toEqual([
      'docs/new.md:2: gone.md: there is no such file',
      'docs/new.md:2: #another: there is no such heading',
    ]);
  });

  it('counts headings of the same name as GitHub does', () => {
    const [again] = page('## `Look` – again, at it', '## Look', '## Look');
    expect([...(again?.anchors ?? [])]).toEqual(['look--again-at-it', 'look', 'look-1']);
  });

  it('finds a command, a flag and an argument that are not there', () => {
    expect(shell('kitechat-sender stauts')).toEqual([expect.stringContaining('has no command stauts')]);
    expect(shell('kitechat-sender status --wach')).toEqual([expect.stringContaining('has no option --wach')]);
    expect(shell('npx kitechat-sender status now')).toEqual([expect.stringContaining('takes no now')]);
    expect(shell('kitechat-sender dead-letters')).toEqual([expect.stringContaining('needs a command')]);
    expect(shell('docker compose run --rm worker stauts')).toEqual([expect.stringContaining('stauts')]);
  });

  it('finds an npm script, a file and a program that are not there', () => {
    expect(shell('npm ci && npm run demmo')).toEqual([expect.stringContaining('no npm script demmo')]);
    expect(shell('npm run gone --prefix=examples/next')).toEqual([expect.stringContaining('no npm script gone')]);
    expect(shell('node scripts/gone.ts')).toEqual([expect.stringContaining('no file scripts/gone.ts')]);
    expect(shell('REDIS_URL=x kitechat-sendr worker')).toEqual([expect.stringContaining('no program')]);
  });

  it('takes what is written as in a shell', () => {
    expect(
      shell(
        'echo \'{"a":1}\' |',
        '  kitechat-sender send # from stdin',
        'KITECHAT_API_KEY="a b" npx kitechat-sender worker >worker.log 2>&1 &',
        'kitechat-sender dead-letters replay --id ID --set message.text="Hello; again" \\',
        '  --rate 20/s',
        'npm run --silent kitechat-sender -- status --watch',
        'npm install --prefix=examples/lambda && npm run build:esm --prefix=examples/lambda',
      ),
    ).toEqual([]);
  });

  it('finds a variable that is not there', () => {
    expect(unknownVariables(page('`KITECHAT_TIME_OUT` and `KITECHAT_TTL_MS`'), variableNames)).toEqual([
      'docs/new.md: KITECHAT_TIME_OUT is no variable',
    ]);
  });

  it('finds TypeScript that is wrong, with what the hidden comment declares', () => {
    const found = errors.filter((error) => error.startsWith(wrong.path));
    expect(found).toEqual([expect.stringMatching(/^docs\/wrong\.md:4 \+ 3: .*getMesage/)]);
  });

  it('finds JSON that is none', () => {
    expect(brokenJson(page('```json', '{ "a": 1, }', '```'))).toHaveLength(1);
  });
});
