import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Records } from './record.ts';

const folder = new URL('../results/', import.meta.url);
const file = new URL('latest.json', folder);

export function readRecords(): Records {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Records) : {};
}

/** Keeps what was measured before of the benchmarks that are not among these. */
export function mergeRecords(records: Records): void {
  const merged = Object.entries({ ...readRecords(), ...records }).toSorted(([a], [b]) => a.localeCompare(b, 'en'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(merged), null, 2)}\n`);
}
