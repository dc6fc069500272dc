import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../../../scripts/docs/pages.ts';
import {
  readTried,
  type TestReport,
  type TriedRow,
  withReport,
  withTriedTable,
} from '../../../scripts/docs/tried-table.ts';
import type { Tried } from '../../support/tried.ts';

const HOW = 'run the tests that are named, then npm run security:report';
/** The literal of an attack in a test; a backslash is written twice there. */
const INPUT = /\btried\(\{[^{}]*?input:\s*(['"`])(.*?)\1,\n?/gs;

const rows = readTried(projectRoot);
const told = globSync('test/{integration,systems,unit/*}/*.test.ts', { cwd: projectRoot }).flatMap((path) => {
  const source = readFileSync(new URL(path, projectRoot), 'utf8');
  return Array.from(source.matchAll(INPUT), ([, , input = '']) => ({
    test: path.slice('test/'.length),
    input: input.replaceAll('\\\\', '\\'),
  }));
});

describe('the table of what was tried in docs/security.md', () => {
  it('fits what the tests have reported', () => {
    const stored = readFileSync(new URL('docs/security.md', projectRoot), 'utf8');
    expect(stored, HOW).toBe(withTriedTable(stored, rows));
  });

  it('has a row for each attack that a test tells of, and no other', () => {
    const nameOf = ({ test, input }: Pick<TriedRow, 'test' | 'input'>): string => `${test}: ${input}`;
    expect(rows.length).toBeGreaterThan(40);
    expect(new Set(rows.map(nameOf)), HOW).toEqual(new Set(told.map(nameOf)));
  });
});

describe('a report of tests', () => {
  const attack = { against: 'redis', input: 'a | b', result: 'refused' } as const;
  const reportOf = (tried: (Tried | null)[], status = 'passed'): TestReport => ({
    testResults: [
      {
        name: '/somewhere/test/systems/one.test.ts',
        assertionResults: tried.map((what) => ({
          status,
          fullName: 'stops an attack',
          meta: what === null ? {} : { tried: [what] },
        })),
      },
    ],
  });
  const countIn = (counts: (number | undefined)[]): string | undefined => {
    const page = withTriedTable(
      '<!-- tried:start --><!-- tried:end -->',
      withReport([], reportOf(counts.map((count) => (count === undefined ? attack : { ...attack, count })))),
    );
    return /\| a \\\| b \| (.*?) \|/.exec(page)?.[1];
  };

  it('makes one row of the cases of a test, and counts them', () => {
    expect([[undefined], [undefined, undefined], [400, 400, 400], [1200], [1, 2]].map(countIn)).toEqual([
      '1',
      '2',
      '3 × 400',
      '1,200',
      '3',
    ]);
  });

  it('replaces the rows of its files, and keeps those of others', () => {
    const old = { ...attack, counts: [1] };
    const kept = { ...old, test: 'systems/other.test.ts' };
    const before = [{ ...old, input: 'gone', test: 'systems/one.test.ts' }, kept];
    expect(withReport(before, reportOf([attack, null]))).toEqual([{ ...old, test: 'systems/one.test.ts' }, kept]);
  });

  it.each(['failed', 'skipped'])('in which a test that tells of an attack has %s makes no table', (status) => {
    expect(() => withReport([], reportOf([attack], status))).toThrow(
      `systems/one.test.ts: "stops an attack" is ${status}`,
    );
  });

  it('needs a page that has its markers', () => {
    expect(() => withTriedTable('no marker', [])).toThrow('docs/security.md needs the lines');
  });
});
