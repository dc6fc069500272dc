import type { Model } from './model.ts';

/** Slots are reserved at most this far ahead. */
export const HORIZON_MS = 500;
/** Late slots are caught up at this part of the interval, and slots that are later than this are lost. */
const CATCH_UP = 0.95;
const LATENESS_MS = 2000;
const JITTER_MS = 20;
/** Times in Redis are rounded to a thousandth of a ms. */
const TINY_MS = 0.01;

export function noteLeaving(model: Model, page: string): void {
  const { pages } = model.departures;
  pages.set(page, [...(pages.get(page) ?? []), model.passedMs]);
}

/** @param slots the slots of the fleet's limit, in the order in which they were reserved */
export function noteSlots(model: Model, slots: readonly number[]): void {
  model.departures.fleet.push(...slots);
}

/** Messages were never allowed to leave faster than the limits. Returns the violations. */
export function paceProblems({ rules, departures, passedMs }: Model): string[] {
  const { intervalMs, burst, pageIntervalMs, pageBurst } = rules;
  const pages = [...departures.pages].filter(
    ([, times]) =>
      !isWithin(times, { intervalMs: pageIntervalMs, burst: pageBurst, lateMs: LATENESS_MS }) ||
      !isWithin(times, { intervalMs: CATCH_UP * pageIntervalMs, burst: pageBurst, lateMs: JITTER_MS }),
  );
  return [
    ...(isWithin(departures.fleet, { intervalMs, burst, lateMs: Math.min(JITTER_MS, intervalMs) })
      ? []
      : [`slots were given for ${departures.fleet.join()}`]),
    ...departures.fleet
      .filter((slot) => slot > passedMs + HORIZON_MS + TINY_MS)
      .map((slot) => `the slot ${slot} is too far ahead of ${passedMs}`),
    ...pages.map(([page, times]) => `messages of ${page} left at ${times.join()}`),
  ];
}

function isWithin(
  times: readonly number[],
  { intervalMs, burst, lateMs }: { intervalMs: number; burst: number; lateMs: number },
): boolean {
  return times.every((from, first) =>
    times.slice(first).every((to, n) => (n + 1 - burst) * intervalMs <= to - from + lateMs + TINY_MS * (n + 1)),
  );
}
