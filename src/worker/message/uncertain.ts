import type { AttemptRecord } from '../../shared/model/attempts.ts';

/** Attempts of a message whose requests may have arrived. */
export interface Uncertain {
  /** The last of them. */
  attempt: AttemptRecord;
  /** ISO time at which the first of them began. */
  since: string;
}

const NOT_SENT = 'resolveUnknown: not-sent';
const NOT_SENT_BEFORE = 'resolveUnknown on the attempts before: not-sent';
const SEPARATOR = '; ';

/**
 * Returns the attempts with unknown outcomes that are still unresolved; `null` if there are none. The word `not-sent` of the hook
 * `resolveUnknown` resolves all attempts that it was asked about.
 */
export function uncertainIn(history: readonly AttemptRecord[]): Uncertain | null {
  const resolved = history.findLastIndex((record) => isResolved(record) || says(record, NOT_SENT_BEFORE));
  const unresolved = history
    .slice(Math.max(0, resolved))
    .filter((record) => record.outcome === 'unknown' && !isResolved(record));
  const attempt = unresolved.at(-1);
  // A late answer stands behind attempts that began after it.
  const since = unresolved.map(({ at }) => at).toSorted()[0];
  return attempt && since !== undefined ? { attempt, since } : null;
}

/** Whether the hook `resolveUnknown` said that the request of this attempt did not arrive. */
export function isResolved(record: Pick<AttemptRecord, 'outcome' | 'detail'>): boolean {
  return record.outcome === 'unknown' && says(record, NOT_SENT);
}

/** Returns the detail of an attempt with the hook's word about this attempt. */
export function resolvedDetail(detail: string | null, resolution: 'delivered' | 'not-sent'): string {
  return joined(detail, `resolveUnknown: ${resolution}`);
}

/** Returns the detail of an attempt that followed because the hook said `not-sent` of those before. */
export function detailAfterNotSent(detail: string | null): string {
  return joined(detail, NOT_SENT_BEFORE);
}

function joined(detail: string | null, word: string): string {
  return detail === null ? word : `${detail}${SEPARATOR}${word}`;
}

function says({ detail }: Pick<AttemptRecord, 'detail'>, word: string): boolean {
  return detail !== null && detail.split(SEPARATOR).includes(word);
}
