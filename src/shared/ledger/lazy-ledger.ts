import type { Ledger } from './ledger.ts';
import { openLedger, type OpenLedgerOptions } from './open-ledger.ts';

/** A ledger that is opened by the first call that reads. */
export type LazyLedger = Pick<Ledger, 'read' | 'close'>;

/** @param place what `KITECHAT_LEDGER` says; `null` without it */
export function lazyLedger(place: string | undefined, options: OpenLedgerOptions): LazyLedger | null {
  if (place === undefined) return null;
  let opened: Promise<Ledger> | null = null;
  return {
    async read(question) {
      opened ??= openLedger(place, options);
      return await (await opened).read(question);
    },
    async close() {
      if (opened) await (await opened).close();
    },
  };
}
