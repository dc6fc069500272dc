import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type PlaceFlags, placeOf } from '../../../src/cli/ledger/place.ts';
import { describeLedgerPlace } from '../../../src/shared/ledger/place.ts';
import { newFolderOfTest } from '../../support/folder-of-test.ts';

const URL_OF_DATABASE = 'postgres://user:secret@db:5432/app?sslmode=verify-full';

function problemOf(flags: PlaceFlags): string {
  try {
    placeOf(flags, {});
  } catch (error) {
    return (error as Error).message;
  }
  return 'no problem';
}

describe('the place of the ledger', () => {
  it('is that of the flag, and else that of the variable', () => {
    expect(placeOf({ dir: '/var/lib/ledger' }, { ledger: URL_OF_DATABASE })).toBe('/var/lib/ledger');
    expect(placeOf({ postgres: URL_OF_DATABASE }, {})).toBe(URL_OF_DATABASE);
    expect(placeOf({}, { ledger: URL_OF_DATABASE })).toBe(URL_OF_DATABASE);
  });

  it('may be in a file', () => {
    const postgresFile = join(newFolderOfTest(), 'url');
    writeFileSync(postgresFile, `${URL_OF_DATABASE}\n`);
    expect(placeOf({ postgresFile }, {})).toBe(URL_OF_DATABASE);
  });

  it('is asked for if it is nowhere, and must be given once', () => {
    expect(problemOf({})).toContain('KITECHAT_LEDGER: is not set');
    expect(problemOf({ dir: 'x', postgres: URL_OF_DATABASE })).toContain('keep only one of them');
  });

  it('is refused without being quoted', () => {
    const wrong: PlaceFlags[] = [
      { postgres: 'mysql://user:secret@db/app' },
      { postgres: 'postgres://user:secret#1@db:port/app' },
      { postgresFile: 'postgres://user:secret@db/app' },
      { dir: URL_OF_DATABASE },
      { dir: 's3://user:secret@bucket' },
    ];
    for (const flags of wrong) {
      const problem = problemOf(flags);
      expect(problem).toMatch(/--(?:postgres|postgres-file|dir): /);
      expect(problem).not.toContain('secret');
    }
  });

  it('is shown without user, password and options', () => {
    expect(describeLedgerPlace(URL_OF_DATABASE)).toBe('PostgreSQL at db:5432/app');
    expect(describeLedgerPlace('/var/lib/ledger')).toBe('the folder /var/lib/ledger');
  });
});
