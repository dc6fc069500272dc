import { globSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readPage } from '../../../scripts/docs/markdown.ts';
import { projectRoot } from '../../../scripts/docs/pages.ts';

const NAME = /`([\w./*-]+\.test\.ts)`/g;
const ROW = /^\| *(.*?) *\| *(.+?) *\| *(.*?) *\|$/gm;
/** What a row says instead of its tests if it has none. */
const NOT_TESTED = 'not tested';

const existing = new Set(globSync('test/**/*.test.ts', { cwd: projectRoot }));

/** The tests that a text names in backticks, from the root of the project. */
function testsIn(text: string): string[] {
  return Array.from(text.matchAll(NAME), ([, name = '']) => (name.startsWith('test/') ? name : `test/${name}`));
}

function isThere(name: string): boolean {
  return name.includes('*') ? globSync(name, { cwd: projectRoot }).length > 0 : existing.has(name);
}

const { text } = readPage(projectRoot, 'SECURITY.md');
const [prose = '', table = ''] = text.split('\n## Promises and their tests\n');
const rows = Array.from(table.matchAll(ROW), ([, about = '', promise = '', tests = '']) => ({ about, promise, tests }))
  // The head and the line below it.
  .slice(2);

describe('the promises of SECURITY.md', () => {
  it('are all read', () => {
    expect(rows.length).toBeGreaterThan(40);
  });

  it.each(rows)('"$promise" has a test, or says that it has none', ({ tests }) => {
    expect(testsIn(tests).length === 0).toBe(tests === NOT_TESTED);
  });

  it('leave out no section about what somebody can do', () => {
    const [, who = ''] = /\n## Who can do what\n(.*?)\n## /s.exec(prose) ?? [];
    const sections = Array.from(who.matchAll(/^### (.*)$/gm), ([, heading = '']) => heading);
    expect(sections.length).toBeGreaterThan(5);
    const anchors = sections.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    for (const anchor of anchors) expect(rows.map(({ about }) => about).join(' ')).toContain(`(#${anchor})`);
  });
});

describe.each(['SECURITY.md', 'docs/security.md'])('%s', (path) => {
  const named = testsIn(readPage(projectRoot, path).text);

  it('names tests', () => {
    expect(named.length).toBeGreaterThan(0);
  });

  it('names only tests that are there', () => {
    expect(named.filter((name) => !isThere(name))).toEqual([]);
  });
});
