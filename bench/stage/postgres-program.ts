import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { MissingError } from './stores.ts';

const DEBIAN = '/usr/lib/postgresql/*/bin';
const NEEDED = ['initdb', 'postgres', 'psql'];

/** The folder of PostgreSQL's programs: on the PATH, or where Debian keeps them, the newest version first. */
export function findPostgres(path: string, elsewhere = DEBIAN): string {
  const found = [...path.split(delimiter), ...globSync(elsewhere).toSorted(byVersion)].find((folder) =>
    NEEDED.every((program) => isProgram(join(folder, program))),
  );
  if (found === undefined) {
    throw new MissingError('PostgreSQL is not on this machine; on Debian and Ubuntu: apt-get install postgresql');
  }
  return found;
}

function byVersion(a: string, b: string): number {
  return b.localeCompare(a, 'en', { numeric: true });
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
