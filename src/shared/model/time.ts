/** The longest time that `setTimeout` can wait (about 24 days); a longer timer fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** 100 years. Adding it to the current time still gives a valid date. */
export const MAX_DURATION_MS = 3_153_600_000_000;

/** The latest time of a `Date`. */
const MAX_MS = 8_640_000_000_000_000;

/** Returns a time from Redis as ISO text. If others wrote something that isn't a time, it is the beginning of 1970. */
export function isoTime(ms: number): string {
  return new Date(Math.abs(ms) <= MAX_MS ? ms : 0).toISOString();
}
