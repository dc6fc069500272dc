import { isPostgresUrl } from './place.ts';
import { openFolderLedger } from './folder.ts';
import type { Ledger } from './ledger.ts';
import { openPostgresLedger } from './postgres.ts';

const TIMEOUT_MS = 10_000;

export interface OpenLedgerOptions {
  /** The installation whose events the ledger has. */
  namespace: string;
  /** The longest that a connection or a statement of PostgreSQL may take. Default: 10 s. */
  timeoutMs?: number;
}

/**
 * Opens the ledger that `KITECHAT_LEDGER` names: the URL of a PostgreSQL, or a folder. Neither is asked before the first call.
 *
 * @throws ConfigError if a PostgreSQL is named and the package `pg` is not installed
 */
export async function openLedger(place: string, options: OpenLedgerOptions): Promise<Ledger> {
  const { namespace, timeoutMs = TIMEOUT_MS } = options;
  return isPostgresUrl(place)
    ? await openPostgresLedger(place, { namespace, timeoutMs })
    : openFolderLedger(place, { namespace });
}
