/**
 * Reads a Retry-After header: seconds, or an HTTP date.
 *
 * @returns how long to wait in ms, at most `maxMs`, 0 for a moment that has passed; `null` if there is no header or it
 * can't be read.
 */
export function retryAfterMs(header: string | null, nowMs: number, maxMs: number): number | null {
  if (header === null) return null;
  const text = header.trim();
  const waitMs = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : httpDateMs(text) - nowMs;
  return Number.isNaN(waitMs) ? null : Math.ceil(Math.min(maxMs, Math.max(0, waitMs)));
}

// `Date.parse` reads nearly anything, even "-5" as a year: only the three forms of RFC 9110 begin with a day's name.
function httpDateMs(text: string): number {
  return /^(mon|tue|wed|thu|fri|sat|sun)[a-z]*,? /i.test(text) ? Date.parse(text) : Number.NaN;
}
