/**
 * The status of a message that isn't dead.
 *
 * - `scheduled`: its time has not come.
 * - `queued`: it waits for its turn, its page or a slot of a limit.
 * - `sending`: a worker has it.
 * - `retrying`: it is in backoff after a failed attempt.
 * - `held`: its page, key, conversation or the API is held.
 * - `delivered`: the API accepted it.
 * - `cancelled`: it was cancelled before it was sent.
 * - `superseded`: a newer message took its place.
 */
export type MessageStatus =
  | 'scheduled'
  | 'queued'
  | 'sending'
  | 'retrying'
  | 'held'
  | 'delivered'
  | 'cancelled'
  | 'superseded';

const ends: ReadonlySet<string> = new Set<MessageStatus | 'dead'>(['delivered', 'cancelled', 'superseded', 'dead']);

/** Whether a message with this status is not sent any more. */
export function hasEnded(status: MessageStatus | 'dead'): boolean {
  return ends.has(status);
}

/** The fields of a message's job that tell its status. */
export const statusFields = ['place', 'why', 'due', 'next'] as const;
export type StatusFields = Record<(typeof statusFields)[number], string | null>;

/**
 * Returns the status of a message from its job alone. The job has no holds of its page or conversation.
 *
 * @param nowMs the time on Redis's clock
 */
export function statusOf({ place, why, due }: StatusFields, nowMs: number): MessageStatus {
  switch (place) {
    case 'sending':
      return 'sending';
    case 'scheduled':
      // A message that is due keeps the place `scheduled` until a worker looks.
      return Number(due) > nowMs ? 'scheduled' : 'queued';
    case 'put-off':
      return why === 'hold' || why === 'aside' || why === 'keyless' ? 'held' : 'retrying';
    case 'ended':
      return why === 'cancelled' || why === 'superseded' ? why : 'delivered';
    default:
      return 'queued';
  }
}

/** Returns the fields of a job, from the values of an HMGET. */
export function fieldsOf<Field extends string>(
  names: readonly Field[],
  values: readonly (string | null)[],
): Record<Field, string | null> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? null])) as Record<Field, string | null>;
}
