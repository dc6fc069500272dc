import { readFileSync } from 'node:fs';
import type { Tried } from '../../test/support/tried.ts';

const START = '<!-- tried:start -->';
const END = '<!-- tried:end -->';

/** The file with what the tests have tried, below the root of the project. */
export const TRIED_RESULTS = 'test/results/tried.json';

/** The same attack, tried by the cases of one test. */
export interface TriedRow extends Omit<Tried, 'count'> {
  /** The file, from `test/`. */
  test: string;
  /** What each case has tried. */
  counts: number[];
}

/** The report of Vitest's reporter `json`, as far as it is used. */
export interface TestReport {
  testResults: { name: string; assertionResults: { status: string; fullName: string; meta?: { tried?: Tried[] } }[] }[];
}

export function readTried(root: URL): TriedRow[] {
  return JSON.parse(readFileSync(new URL(TRIED_RESULTS, root), 'utf8')) as TriedRow[];
}

/**
 * Rows with those of the files in a report replaced.
 *
 * @throws if a test that tells of an attack failed or was left out: then its file would lose rows
 */
export function withReport(rows: readonly TriedRow[], { testResults }: TestReport): TriedRow[] {
  const reported = testResults.flatMap(({ name, assertionResults }) => {
    const test = name.slice(name.lastIndexOf('/test/') + '/test/'.length);
    const tried = assertionResults.flatMap(({ meta }) => meta?.tried ?? []);
    if (tried.length === 0 && !rows.some((row) => row.test === test)) return [];
    const unfinished = assertionResults.find(({ status }) => status !== 'passed');
    if (unfinished) throw new Error(`${test}: "${unfinished.fullName}" is ${unfinished.status}`);
    return [{ test, rows: rowsOf(test, tried) }];
  });
  const files = new Set(reported.map(({ test }) => test));
  return [...rows.filter(({ test }) => !files.has(test)), ...reported.flatMap((file) => file.rows)].toSorted(
    (one, other) => one.test.localeCompare(other.test, 'en'),
  );
}

function rowsOf(test: string, tried: readonly Tried[]): TriedRow[] {
  const rows = new Map<string, TriedRow>();
  for (const { count = 1, ...what } of tried) {
    const name = `${what.input} | ${what.result}`;
    const row = rows.get(name) ?? { test, ...what, counts: [] };
    row.counts.push(count);
    rows.set(name, row);
  }
  return [...rows.values()];
}

/** docs/security.md with the table of these rows. */
export function withTriedTable(page: string, rows: readonly TriedRow[]): string {
  const start = page.indexOf(START);
  const end = page.indexOf(END);
  if (start === -1 || end < start) {
    throw new Error(`docs/security.md needs the lines ${START} and ${END}, in this order.`);
  }
  return `${page.slice(0, start)}${START}\n\n${tableOf(rows)}\n\n${page.slice(end)}`;
}

function tableOf(rows: readonly TriedRow[]): string {
  const part = (heading: string, against: TriedRow['against']): string[] =>
    [`| **${heading}** | | | |`].concat(rows.filter((row) => row.against === against).map(lineOf));
  return [
    '| input | count | result | test in `test/` |',
    '|---|---|---|---|',
    ...part('Written into Redis', 'redis'),
    ...part('Sent to the port of a console', 'console'),
  ].join('\n');
}

function lineOf({ input, counts, result, before, test }: TriedRow): string {
  const cells = [
    input,
    countOf(counts),
    before === undefined ? result : `${result} (before: ${before})`,
    `\`${test}\``,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** `3 × 400` for three cases of 400 each. */
function countOf(counts: readonly number[]): string {
  const [first = 0] = counts;
  const number = (count: number): string => count.toLocaleString('en-US');
  const isSame = counts.every((count) => count === first);
  if (isSame && first > 1 && counts.length > 1) return `${counts.length} × ${number(first)}`;
  return number(counts.reduce((total, count) => total + count, 0));
}
