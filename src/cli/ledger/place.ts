import { readFileSync } from 'node:fs';
import type { Config } from '../../shared/config/config.ts';
import { isPostgresUrl, ledgerPlaceProblem } from '../../shared/ledger/place.ts';
import { unreadableFile, valueInFile } from '../../shared/config/secret-file.ts';
import { ConfigError } from '../../shared/errors/errors.ts';

/** The flags that say where the ledger is. */
export interface PlaceFlags {
  postgres?: string;
  postgresFile?: string;
  dir?: string;
}

/**
 * Returns the place of the ledger: that of the flag, or else that of `KITECHAT_LEDGER`.
 *
 * @throws ConfigError
 */
export function placeOf({ postgres, postgresFile, dir }: PlaceFlags, { ledger }: Pick<Config, 'ledger'>): string {
  const given = [postgres, postgresFile, dir].filter((flag) => flag !== undefined);
  if (given.length > 1) throw new ConfigError(['--postgres, --postgres-file, --dir: keep only one of them']);
  if (postgres !== undefined) return postgresUrl('--postgres', postgres);
  if (postgresFile !== undefined) return postgresUrl('--postgres-file', urlIn(postgresFile));
  if (dir !== undefined) return folder(dir);
  if (ledger !== undefined) return ledger;
  throw new ConfigError([
    'KITECHAT_LEDGER: is not set, and neither --postgres, --postgres-file nor --dir says where to keep events',
  ]);
}

function urlIn(path: string): string {
  let text;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError([`--postgres-file: ${unreadableFile(error).problem}`]);
  }
  const read = valueInFile(text);
  if ('problem' in read) throw new ConfigError([`--postgres-file: ${read.problem}`]);
  return read.value;
}

function postgresUrl(flag: string, url: string): string {
  const problem = isPostgresUrl(url) ? ledgerPlaceProblem(url) : 'must begin with postgres:// or postgresql://';
  if (problem !== undefined) throw new ConfigError([`${flag}: ${problem}`]);
  return url;
}

function folder(dir: string): string {
  const problem = isPostgresUrl(dir) ? 'must be a folder; use --postgres for this URL' : ledgerPlaceProblem(dir);
  if (problem !== undefined) throw new ConfigError([`--dir: ${problem}`]);
  return dir;
}
