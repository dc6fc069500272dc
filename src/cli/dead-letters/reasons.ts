import { type DeadReason, deadReasons } from '../../shared/model/dead-letter.ts';

/** `40 rejected, 10 expired`: the reasons that occur, most frequent first. */
export function describeReasons(counts: Readonly<Partial<Record<DeadReason, number>>>): string {
  return deadReasons
    .map((reason) => ({ reason, count: counts[reason] ?? 0 }))
    .filter(({ count }) => count > 0)
    .toSorted((one, other) => other.count - one.count)
    .map(({ reason, count }) => `${count} ${reason}`)
    .join(', ');
}
