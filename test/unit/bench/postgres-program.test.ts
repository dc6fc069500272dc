import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPostgres } from '../../../bench/stage/postgres-program.ts';
import { MissingError } from '../../../bench/stage/stores.ts';

describe('the programs of PostgreSQL', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kitechat-programs-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function install(place: string, programs: readonly string[] = ['initdb', 'postgres', 'psql']): string {
    const installed = join(folder, place);
    mkdirSync(installed, { recursive: true });
    for (const program of programs) writeFileSync(join(installed, program), '', { mode: 0o755 });
    return installed;
  }

  it('are taken from the path first', () => {
    install('9/bin');
    const onPath = install('path');
    expect(findPostgres(`/nowhere:${onPath}`, join(folder, '*/bin'))).toBe(onPath);
  });

  it('are taken from the newest version where the path has not all of them', () => {
    const half = install('path', ['initdb', 'postgres']);
    install('9/bin');
    const newest = install('15/bin');
    expect(findPostgres(half, join(folder, '*/bin'))).toBe(newest);
  });

  it('are missing with words that say how to get them', () => {
    expect(() => findPostgres('/nowhere', join(folder, '*/bin'))).toThrow(MissingError);
    expect(() => findPostgres('/nowhere', join(folder, '*/bin'))).toThrow('apt-get install postgresql');
  });
});
