/** Where a message that isn't dead stands. */
export type MessageStatus = 'scheduled' | 'queued' | 'sending' | 'retrying' | 'held' | 'delivered' | 'cancelled';

/** The fields of a message's job that say where it stands. */
export const statusFields = ['settled', 'open', 'due', 'next', 'held', 'pageSlot', 'fleetSlot'] as const;
export type StatusFields = Record<(typeof statusFields)[number], string | null>;

/**
 * Where a message stands as far as it knows itself: a hold of its page or conversation is not written on it.
 *
 * @param nowMs on Redis's clock
 */
export function statusOf(job: StatusFields, nowMs: number): MessageStatus {
  if (job.settled !== null) return job.settled === 'cancelled' ? 'cancelled' : 'delivered';
  if (job.open !== null) return 'sending';
  // One whose time has come waits for its place until a worker looks.
  if (job.due !== null && Number(job.due) > nowMs) return 'scheduled';
  if (job.held !== null) return 'held';
  const waitsForSlot = job.pageSlot !== null || job.fleetSlot !== null;
  return job.next === null || waitsForSlot ? 'queued' : 'retrying';
}

/** The fields of a job, from the values of an HMGET. */
export function fieldsOf<Field extends string>(
  names: readonly Field[],
  values: readonly (string | null)[],
): Record<Field, string | null> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? null])) as Record<Field, string | null>;
}
