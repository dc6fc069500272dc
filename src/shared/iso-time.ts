/** The last moment that a `Date` can be. */
const MAX_MS = 8_640_000_000_000_000;

/** A time that was read from Redis, for people and JSON. What others wrote there may be none: then it is the beginning of 1970. */
export function isoTime(ms: number): string {
  return new Date(Math.abs(ms) <= MAX_MS ? ms : 0).toISOString();
}
