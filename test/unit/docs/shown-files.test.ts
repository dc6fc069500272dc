import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readPage } from '../../../scripts/docs/markdown.ts';
import { projectRoot } from '../../../scripts/docs/pages.ts';

const NAME = /^file: (\S+)$/;

const shown = readPage(projectRoot, 'docs/apps.md').blocks.flatMap(({ code, hidden }) => {
  const [, file] = NAME.exec(hidden) ?? [];
  return file === undefined ? [] : [{ file, code }];
});

it('docs/apps.md shows code of examples and of tests', () => {
  expect(shown.length).toBeGreaterThan(0);
});

it.each(shown)('docs/apps.md shows $file as it is', ({ file, code }) => {
  expect(code).toBe(readFileSync(new URL(file, projectRoot), 'utf8'));
});
