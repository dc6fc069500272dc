import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../../src/shared/retry/retry-after.ts';

const nowMs = Date.UTC(1994, 10, 6, 8, 49, 0);
const maxMs = 900_000;
const timeZone = process.env['TZ'];

afterEach(() => {
  if (timeZone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = timeZone;
});

describe('retryAfterMs', () => {
  it.each<[string, string | null, number | null]>([
    ['no header', null, null],
    ['seconds', '37', 37_000],
    ['seconds with spaces around them', ' 37 ', 37_000],
    ['zero', '0', 0],
    ['fractions of a second', '0.5', 500],
    ['fractions of a millisecond, rounded up', '0.0001', 1],
    ['seconds above the longest hold', '901', maxMs],
    ['ten years', String(10 * 365 * 86_400), maxMs],
    ['more digits than a number can hold', '9'.repeat(400), maxMs],
    ['a negative number', '-5', null],
    ['a number with an exponent', '1e99', null],
    ['a number with a sign', '+5', null],
    ['a hexadecimal number', '0x10', null],
    ['infinity', 'Infinity', null],
    ['a number with a unit', '10s', null],
    ['two numbers', '10, 20', null],
    ['nothing', '', null],
    ['a space', ' ', null],
    ['garbage', 'soon', null],
    ['a name of a day and garbage', 'Mon, soon 5', null],
    ['a day alone', 'Sunday 5', null],
    ['an ISO date', '1994-11-06T08:49:37Z', null],
    ['a date as RFC 9110 prefers it', 'Sun, 06 Nov 1994 08:49:37 GMT', 37_000],
    ['a date as RFC 850 had it', 'Sunday, 06-Nov-94 08:49:37 GMT', 37_000],
    ['a date as asctime writes it', 'Sun Nov  6 08:49:37 1994', 37_000],
    ['a date of asctime with two digits for the day', 'Sun Nov 06 08:49:37 1994', 37_000],
    ['a date in UTC by its other names', 'Sun, 06 Nov 1994 08:49:37 UTC', 37_000],
    ['a date with +0000', 'Sun, 06 Nov 1994 08:49:37 +0000', 37_000],
    ['a date in lower case', 'sun, 06 nov 1994 08:49:37 gmt', 37_000],
    ['a date that has passed', 'Sun, 06 Nov 1994 08:48:00 GMT', 0],
    ['this very moment', 'Sun, 06 Nov 1994 08:49:00 GMT', 0],
    ['a date in ten years', 'Sat, 06 Nov 2004 08:49:37 GMT', maxMs],
    ['a day that no month has', 'Sun, 32 Nov 1994 08:49:37 GMT', null],
    ['a month that no year has', 'Sun, 06 Nox 1994 08:49:37 GMT', null],
    ['an hour that no day has', 'Sun, 06 Nov 1994 25:49:37 GMT', null],
  ])('reads %s', (_what, header, waitMs) => {
    expect(retryAfterMs(header, nowMs, maxMs)).toBe(waitMs);
  });

  it.each(['America/New_York', 'Asia/Ho_Chi_Minh', 'UTC'])('reads a date without a zone as GMT, also in %s', (zone) => {
    process.env['TZ'] = zone;
    expect(retryAfterMs('Sun Nov  6 08:49:37 1994', nowMs, maxMs)).toBe(37_000);
  });

  it('gives null, or whole ms from 0 to the longest hold, whatever the header says', () => {
    const header = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc.nat().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      fc.string({ unit: fc.constantFrom('Sun', 'Nov', ' ', '0', '6', '9', ':', ',', '-', '+', '.', 'GMT') }),
    );
    fc.assert(
      fc.property(header, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (anyHeader, longestMs) => {
        const waitMs = retryAfterMs(anyHeader, nowMs, longestMs);
        if (waitMs === null) return;
        expect(Number.isSafeInteger(waitMs)).toBe(true);
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(longestMs);
      }),
    );
  });

  it('reads every date that it can be given back', () => {
    const soon = fc.date({ min: new Date(nowMs), max: new Date(nowMs + maxMs), noInvalidDate: true });
    fc.assert(
      fc.property(soon, (date) => {
        const wholeSecond = Math.floor(date.getTime() / 1000) * 1000;
        expect(retryAfterMs(date.toUTCString(), nowMs, maxMs)).toBe(Math.max(0, wholeSecond - nowMs));
      }),
    );
  });
});
