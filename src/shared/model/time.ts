/** The longest that `setTimeout` can wait (about 24 days): a longer one fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** 100 years. Adding it to any time still gives a date. */
export const MAX_DURATION_MS = 3_153_600_000_000;

/** The last moment that a `Date` can be. */
const MAX_MS = 8_640_000_000_000_000;

/** A time that was read from Redis, for people and JSON. What others wrote there may be none: then it is the beginning of 1970. */
export function isoTime(ms: number): string {
  return new Date(Math.abs(ms) <= MAX_MS ? ms : 0).toISOString();
}
