/**
 * Keeps what the tests have tried against Redis and the console, and writes the table of docs/security.md. It takes the reports of the runs
 * before it, and keeps the rows of files that are in none of them.
 *
 *   npm test; npm run test:systems; npm run security:report
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readTried, type TestReport, TRIED_RESULTS, withReport, withTriedTable } from './docs/tried-table.ts';

const root = new URL('../', import.meta.url);
const page = new URL('docs/security.md', root);
const kept = new URL(TRIED_RESULTS, root);

const reports = ['reports/tests.json', 'reports/systems.json']
  .map((path) => new URL(path, root))
  .filter((path) => existsSync(path));
if (reports.length === 0) throw new Error('there is no report: run npm test and npm run test:systems first');

const before = existsSync(kept) ? readTried(root) : [];
const rows = reports.reduce(
  (sofar, path) => withReport(sofar, JSON.parse(readFileSync(path, 'utf8')) as TestReport),
  before,
);
mkdirSync(new URL('.', kept), { recursive: true });
writeFileSync(kept, `${JSON.stringify(rows, null, 2)}\n`);
writeFileSync(page, withTriedTable(readFileSync(page, 'utf8'), rows));
