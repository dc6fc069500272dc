import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { type AppResult, readAppResults, withAppsTable } from '../../../scripts/docs/apps-table.ts';
import { projectRoot } from '../../../scripts/docs/pages.ts';

const HOW = 'run npm run apps:report';

const result: AppResult = { app: '`bun build`', version: '1.2.3', checked: 'a | b', needs: 'nothing', passed: true };
const page = 'before\n<!-- apps:start -->\nold\n<!-- apps:end -->\nafter\n';

describe('the table of docs/apps.md', () => {
  it('is current', () => {
    const stored = readFileSync(new URL('docs/apps.md', projectRoot), 'utf8');
    expect(stored, HOW).toBe(withAppsTable(stored, readAppResults(projectRoot)));
  });

  it('promises only apps whose tests passed', () => {
    const results = Object.values(readAppResults(projectRoot));
    expect(results.length).toBeGreaterThan(20);
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
  });

  it('stands between its markers, with the apps in the order of their names', () => {
    const results = { rollup: { ...result, app: 'Rollup', passed: false }, bun: result };
    expect(withAppsTable(page, results).split('\n')).toEqual([
      'before',
      '<!-- apps:start -->',
      '',
      '| app | version | what the tests see work | needs |',
      '|---|---|---|---|',
      '| `bun build` | 1.2.3 | a \\| b | nothing |',
      '| Rollup | 1.2.3 | **fails:** a \\| b | nothing |',
      '',
      '<!-- apps:end -->',
      'after',
      '',
    ]);
  });

  it('needs a page that has its markers', () => {
    expect(() => withAppsTable('no marker', {})).toThrow('docs/apps.md needs the lines');
  });
});
