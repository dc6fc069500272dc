import type { RateLimit } from '../../../src/shared/rate-limit.ts';
import type { Arrival, Go } from './simulate.ts';

type Pace = Pick<RateLimit, 'intervalMs' | 'burst'>;

/** Redis's clock counts whole ms, and arrival times are kept to a thousandth of one. */
const TINY_MS = 0.05;
const CLOCK_MS = 1 + TINY_MS;

/**
 * Says which span had more sends than the limit allows: `t / interval + burst` in `t` ms.
 *
 * @param lateMs by so much each of them may have come after its slot
 */
export function excessIn(times: readonly number[], { intervalMs, burst }: Pace, lateMs = 0): string | null {
  const sorted = times.toSorted((a, b) => a - b);
  for (const [first, from] of sorted.entries()) {
    for (const [last, to] of sorted.entries()) {
      const count = last - first + 1;
      if (count > burst && (count - burst) * intervalMs > to - from + CLOCK_MS + lateMs) {
        return `${count} in ${to - from} ms, with a burst of ${burst} and one in ${intervalMs} ms`;
      }
    }
  }
  return null;
}

/** When each message goes, in ms after the start, if nothing is wasted and a request takes no time. */
export function slotsOf(arrivals: readonly Pick<Arrival, 'afterMs'>[], { intervalMs, burst }: Pace): number[] {
  let next = 0;
  return arrivals
    .map(({ afterMs }) => afterMs)
    .toSorted((a, b) => a - b)
    .map((afterMs) => {
      next = Math.max(next, afterMs) + intervalMs;
      return Math.max(afterMs, next - burst * intervalMs);
    });
}

/** Says which send, in ms after the start, came later than its slot, or earlier. */
export function deviationFrom(slots: readonly number[], times: readonly number[]): string | null {
  const sorted = times.toSorted((a, b) => a - b);
  for (const [n, slot] of slots.entries()) {
    const atMs = sorted[n] ?? Number.POSITIVE_INFINITY;
    const isInTime = atMs >= slot - TINY_MS && atMs <= slot + CLOCK_MS;
    if (!isInTime) return `the slot ${n + 1} is at ${slot} ms, its send at ${atMs} ms`;
  }
  return null;
}

/** Says which conversation is out of order. */
export function disorderIn(goes: readonly Go[]): string | null {
  const lastOf = new Map<string, number>();
  for (const { nth, page, conversation } of goes) {
    const lane = `${page}/${conversation}`;
    const last = lastOf.get(lane) ?? -1;
    if (nth < last) return `${lane}: message ${nth} went after message ${last}`;
    lastOf.set(lane, nth);
  }
  return null;
}

export function byPage<T extends { page: string }>(items: readonly T[]): [page: string, items: T[]][] {
  return Object.entries(Object.groupBy(items, ({ page }) => page)).map(([page, some = []]) => [page, some]);
}
