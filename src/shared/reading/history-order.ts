/**
 * The place of a message in the history of its conversation: by the time of storing, then by id. It is the same in all sources and never
 * changes, so a reader can continue at it later. Ids that one process makes in the same millisecond are in the order of storing.
 */
export interface HistoryPlace {
  id: string;
  storedMs: number;
}

/** Returns the time of an ISO text; 0 if others wrote something that is no time. */
export function msOf(iso: string): number {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? 0 : ms;
}

/** Whether a message was stored after another one. */
function isNewer(one: HistoryPlace, other: HistoryPlace): boolean {
  return one.storedMs === other.storedMs ? one.id > other.id : one.storedMs > other.storedMs;
}

/** Compares for an order with the newest first. */
export function newestFirst(one: HistoryPlace, other: HistoryPlace): number {
  if (isNewer(one, other)) return -1;
  return isNewer(other, one) ? 1 : 0;
}

/** A time, or the message before which others were stored. */
export type HistoryStart = Date | { id: string; enqueuedAt: string };

export function isBefore(place: HistoryPlace, start: HistoryStart): boolean {
  if (start instanceof Date) return place.storedMs < start.getTime();
  return isNewer({ id: start.id, storedMs: msOf(start.enqueuedAt) }, place);
}

/** A message of the merged history. */
export interface MergedPlace<Entry> {
  place: HistoryPlace;
  /** Whether Redis knows it. */
  isKnown: boolean;
  /** What the ledger has of it. */
  entry?: Entry;
}

/**
 * Merges what Redis knows with what a ledger has, each message once. For a message in both, the place in Redis counts.
 *
 * @param known each message once, the newest first
 * @param ledger each message once, the newest first
 */
export async function* mergeHistory<Entry extends HistoryPlace>(
  known: readonly HistoryPlace[],
  ledger: AsyncIterator<Entry, undefined>,
): AsyncGenerator<MergedPlace<Entry>> {
  const ids = new Set(known.map(({ id }) => id));
  const inBoth = new Map<string, Entry>();

  async function nextOfLedger(): Promise<Entry | null> {
    for (;;) {
      const next = await ledger.next();
      if (next.done) return null;
      if (!ids.has(next.value.id)) return next.value;
      inBoth.set(next.value.id, next.value);
    }
  }

  let entry = await nextOfLedger();
  for (const place of known) {
    while (entry !== null && isNewer(entry, place)) {
      yield { place: entry, isKnown: false, entry };
      entry = await nextOfLedger();
    }
    const same = inBoth.get(place.id);
    inBoth.delete(place.id);
    yield { place, isKnown: true, ...(same === undefined ? {} : { entry: same }) };
  }
  for (; entry !== null; entry = await nextOfLedger()) yield { place: entry, isKnown: false, entry };
}
