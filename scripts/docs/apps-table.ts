import { readFileSync } from 'node:fs';

const START = '<!-- apps:start -->';
const END = '<!-- apps:end -->';

/** The file with the results of the last full run, below the root of the project. */
export const APP_RESULTS = 'test/package/results/apps.json';

/** What the tests of one kind of app found. */
export interface AppResult {
  app: string;
  version: string;
  /** What the tests see work. */
  checked: string;
  /** The settings that the app needs. */
  needs: string;
  passed: boolean;
}

/** @returns the results by the names of their rows */
export function readAppResults(root: URL): Record<string, AppResult> {
  return JSON.parse(readFileSync(new URL(APP_RESULTS, root), 'utf8')) as Record<string, AppResult>;
}

/** docs/apps.md with the table of these results. */
export function withAppsTable(page: string, results: Record<string, AppResult>): string {
  const start = page.indexOf(START);
  const end = page.indexOf(END);
  if (start === -1 || end < start) throw new Error(`docs/apps.md needs the lines ${START} and ${END}, in this order.`);
  return `${page.slice(0, start)}${START}\n\n${appsTable(results)}\n\n${page.slice(end)}`;
}

function appsTable(results: Record<string, AppResult>): string {
  const rows = Object.values(results).toSorted((one, other) => nameOf(one).localeCompare(nameOf(other), 'en'));
  return [
    '| app | version | what the tests see work | needs |',
    '|---|---|---|---|',
    ...rows.map(({ app, version, checked, needs, passed }) =>
      lineOf([app, version, passed ? checked : `**fails:** ${checked}`, needs]),
    ),
  ].join('\n');
}

/** Without the marks of code, which would come first. */
function nameOf({ app, version }: AppResult): string {
  return `${app.replaceAll('`', '')} ${version}`;
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
