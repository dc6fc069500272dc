import type { RateLimit } from '../../../src/shared/rate-limit.ts';
import type { Arrival, Go } from './simulate.ts';

type Pace = Pick<RateLimit, 'intervalMs' | 'burst'>;

/** Redis's clock counts whole ms, and arrival times are kept to a thousandth of one. */
const CLOCK_MS = 1.01;

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

/** When each message may go at the latest, in ms after the start, if nothing is wasted and a request takes no time. */
export function latestTimes(arrivals: readonly Pick<Arrival, 'afterMs'>[], { intervalMs, burst }: Pace): number[] {
  let next = 0;
  return arrivals
    .map(({ afterMs }) => afterMs)
    .toSorted((a, b) => a - b)
    .map((afterMs) => {
      next = Math.max(next, afterMs) + intervalMs;
      return Math.max(afterMs, next - burst * intervalMs) + CLOCK_MS;
    });
}

/** Says which send came later than that. */
export function idlenessIn(goes: readonly Go[], startMs: number, latest: readonly number[]): string | null {
  const sorted = goes.map(({ atMs }) => atMs - startMs).toSorted((a, b) => a - b);
  const late = sorted.findIndex((atMs, n) => atMs > (latest[n] ?? 0));
  return late === -1 ? null : `go ${late + 1} comes at ${sorted[late]} ms, and could come at ${latest[late]} ms`;
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
