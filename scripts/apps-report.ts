/**
 * Keeps what the tests of the package in apps have found, and writes the table of docs/apps.md. Rows that no test has reported go.
 *
 *   rm -rf reports/apps && npm run test:package:all; npm run apps:report
 *
 * Exits 1 if an app failed.
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { APP_RESULTS, type AppResult, withAppsTable } from './docs/apps-table.ts';

const root = new URL('../', import.meta.url);
const page = new URL('docs/apps.md', root);
const kept = new URL(APP_RESULTS, root);

const reports = globSync('reports/apps/*.json', { cwd: fileURLToPath(root) }).toSorted();
if (reports.length === 0) throw new Error('there is no report: run npm run test:package:all first');
const results = Object.fromEntries(
  reports.map((path) => [basename(path, '.json'), JSON.parse(readFileSync(new URL(path, root), 'utf8')) as AppResult]),
);

mkdirSync(new URL('.', kept), { recursive: true });
writeFileSync(kept, `${JSON.stringify(results, null, 2)}\n`);
writeFileSync(page, withAppsTable(readFileSync(page, 'utf8'), results));

for (const [name, { app, passed }] of Object.entries(results)) {
  if (passed) continue;
  console.error(`${app} failed (${name})`);
  process.exitCode = 1;
}
