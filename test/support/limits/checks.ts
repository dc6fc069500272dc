import type { RateLimit } from '../../../src/shared/model/rate-limit.ts';
import { mostWithin } from '../../chaos/pace.ts';
import type { Arrival, Go } from './simulate.ts';

type Pace = Pick<RateLimit, 'intervalMs' | 'burst'>;

/** Reports a second with more messages than a tenth over the limit plus the burst. */
export function crowdIn(times: readonly number[], { intervalMs, burst }: Pace): string | null {
  const most = mostWithin(
    times.toSorted((one, other) => one - other),
    1000,
  );
  const allowed = (1.1 * 1000) / intervalMs + burst;
  return most > allowed ? `${most} within a second, ${allowed.toFixed(1)} are allowed` : null;
}

/** The ideal time of each message, in ms after the start, without lost slots or late workers. */
export function slotsOf(arrivals: readonly Pick<Arrival, 'afterMs'>[], { intervalMs, burst }: Pace): number[] {
  let next = 0;
  return arrivals
    .map(({ afterMs }) => afterMs)
    .toSorted((one, other) => one - other)
    .map((afterMs) => {
      next = Math.max(next, afterMs) + intervalMs;
      return Math.max(afterMs, next - burst * intervalMs);
    });
}

/** Reports a span with work that used less than this part of the limit, apart from an allowance in ms. */
export function lossIn(
  slots: readonly number[],
  times: readonly number[],
  { part, exceptMs }: { part: number; exceptMs: number },
): string | null {
  const sorted = times.toSorted((one, other) => one - other);
  for (const [n, slot] of slots.entries()) {
    const atMs = sorted[n] ?? Infinity;
    if (atMs > slot / part + exceptMs) return `the slot ${n + 1} is at ${slot} ms, its send at ${atMs} ms`;
  }
  return null;
}

/** The longest time without a send, in ms. */
export function longestPause(times: readonly number[]): number {
  const sorted = times.toSorted((one, other) => one - other);
  return Math.max(0, ...sorted.slice(1).map((at, n) => at - (sorted[n] ?? at)));
}

/** Reports the conversations that are out of order. */
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
