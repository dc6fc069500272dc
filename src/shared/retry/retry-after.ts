/** Two of the three date forms of RFC 9110: `Sun, 06 Nov 1994 08:49:37 GMT` and `Sunday, 06-Nov-94 08:49:37 GMT`. */
const DATE_WITH_ZONE = /^[a-z]+, \d{1,2}[ -][a-z]{3}[ -](\d{2}|\d{4}) \d\d:\d\d:\d\d (GMT|UTC|\+0000)$/i;
/** The third form: `Sun Nov  6 08:49:37 1994`, which is GMT too. */
const DATE_WITHOUT_ZONE = /^[a-z]{3} [a-z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/i;

/**
 * Reads a Retry-After header: seconds, or an HTTP date.
 *
 * @returns how long to wait in ms, at most `maxMs`; 0 for a date in the past; `null` if there is no header or if it can't be read.
 */
export function retryAfterMs(header: string | null, nowMs: number, maxMs: number): number | null {
  if (header === null) return null;
  const text = header.trim();
  const waitMs = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : httpDateMs(text) - nowMs;
  return Number.isNaN(waitMs) ? null : Math.ceil(Math.min(maxMs, Math.max(0, waitMs)));
}

// `Date.parse` alone accepts nearly anything, even "-5" as a year, and reads a date without a zone as local time.
function httpDateMs(text: string): number {
  if (DATE_WITH_ZONE.test(text)) return Date.parse(text);
  return DATE_WITHOUT_ZONE.test(text) ? Date.parse(`${text} GMT`) : Number.NaN;
}

/**
 * Returns the time at which an answer arrived, by the API's own clock, from its headers `Date` and `Age`; `null` without a valid `Date`. A
 * date in Retry-After refers to the same clock.
 */
export function answeredAtMs({ date, age }: { date: string | null; age: string | null }): number | null {
  const writtenAtMs = date === null ? Number.NaN : httpDateMs(date.trim());
  if (Number.isNaN(writtenAtMs)) return null;
  const text = age?.trim() ?? '';
  return writtenAtMs + (/^\d{1,9}$/.test(text) ? Number(text) * 1000 : 0);
}
