import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRateLimit, isSameLimit, parseRateLimit, RATE_LIMIT_RULE } from '../../../src/shared/model/rate-limit.ts';

const unitsMs = { s: 1_000, min: 60_000, h: 3_600_000 } as const;
const anyUnit = fc.constantFrom('s', 'min', 'h');
/** From one a day to 100,000 a second, whatever the unit. */
const anyCount = fc.oneof(
  fc.integer({ min: 1, max: 100_000 }),
  fc.integer({ min: 50_000, max: 999_999_999_999 }).map((millionths) => millionths / 1e6),
);
const anyBurst = fc.integer({ min: 1, max: 100_000 });
const anySpace = fc.constantFrom('', ' ', '   ', '\t', '\n');

describe('parseRateLimit', () => {
  it.each([
    ['50/s', 20, 1],
    ['300/min', 200, 1],
    ['1000/h', 3_600, 1],
    ['7/s', 1_000 / 7, 1],
    ['0.5/s', 2_000, 1],
    ['0.25/min', 240_000, 1],
    ['2.5/h', 1_440_000, 1],
    ['100000/s', 0.01, 1],
    ['6000000/min', 0.01, 1],
    ['360000000/h', 0.01, 1],
    ['0.041667/h', 3_600_000 / 0.041667, 1],
    ['50/s burst 10', 20, 10],
    ['50/s burst 1', 20, 1],
    ['1/h burst 100000', 3_600_000, 100_000],
    [' 50 / s ', 20, 1],
    ['50 /s\tburst  10\n', 20, 10],
    ['0050/s burst 007', 20, 7],
    ['50.0/s', 20, 1],
  ])('reads %j as one message every %d ms, with a burst of %d', (text, intervalMs, burst) => {
    expect(parseRateLimit(text)).toMatchObject({ intervalMs, burst });
  });

  it.each([
    ['nothing', ['', ' ']],
    [
      'no number, or one of another form',
      ['/s', 'x/s', '-5/s', '+5/s', '1e3/s', '0x10/s', '.5/s', '5./s', '1,5/s', '5 0/s', '٥/s', 'NaN/s', 'Infinity/s'],
    ],
    [
      'no unit, or another one',
      ['50', '50/', '50/m', '50/sec', '50/S', '50/ms', '50/d', '50/1s', '50 per s', '50s', '50/constructor'],
    ],
    [
      'a burst of another form',
      [
        '50/s burst',
        '50/s burst x',
        '50/s burst -1',
        '50/s burst 1.5',
        '50/sburst10',
        '50/s burst10',
        '50/s burst=10',
        '50/s 10',
        'burst 10 50/s',
      ],
    ],
    ['more than a limit', ['50/s burst 10 burst 10', '50/s 300/min', '50/s;', '50/s\u0000']],
    ['none at all', ['0/s', '0.0/s', '50/s burst 0']],
    [
      'too many',
      [
        '100001/s',
        '6000001/min',
        '360000001/h',
        '999999999999/s',
        '9'.repeat(400),
        '50/s burst 100001',
        '50/s burst 9999999',
      ],
    ],
    ['less than one a day', ['0.000011/s', '0.000694/min', '0.041666/h']],
    ['more decimals than anybody means', ['0.1234567/s']],
  ])('refuses %s', (_, texts) => {
    for (const text of texts) expect([text, parseRateLimit(text)]).toEqual([text, null]);
  });

  it('never throws, and only takes what can be kept: at most 100,000 a second, at least one a day', () => {
    const limitLike = fc.stringMatching(/^[0-9. ]{0,12}\/?(s|min|h)?( burst )?[0-9]{0,8}$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), limitLike), (text) => {
        const limit = parseRateLimit(text);
        if (limit === null) return;
        expect(limit.intervalMs).toBeGreaterThanOrEqual(0.01);
        expect(limit.intervalMs).toBeLessThanOrEqual(86_400_000);
        expect(limit.burst).toBeGreaterThanOrEqual(1);
        expect(limit.burst).toBeLessThanOrEqual(100_000);
      }),
    );
  });

  it('has examples in its rule that it takes', () => {
    const examples = RATE_LIMIT_RULE.match(/\d+\/(?:s|min|h)(?: burst \d+)?/g) ?? [];
    expect(examples).toEqual(['50/s', '300/min', '1000/h', '50/s burst 10', '100000/s']);
    for (const example of examples) expect([example, parseRateLimit(example)]).not.toContain(null);
  });
});

describe('formatRateLimit', () => {
  it.each([
    ['50/s', '50/s'],
    [' 0050.0 / s  burst 1 ', '50/s'],
    ['300/min burst 007', '300/min burst 7'],
    ['0.50/h', '0.5/h'],
    ['0.000012/s', '0.000012/s'],
    ['359999999.999999/h', '359999999.999999/h'],
  ])('writes %j as %j', (text, canonical) => {
    const limit = parseRateLimit(text);
    expect(limit && formatRateLimit(limit)).toBe(canonical);
  });

  it('gives a text that reads back as the very same limit, however it was spaced', () => {
    fc.assert(
      fc.property(anyCount, anyUnit, anyBurst, anySpace, (count, unit, burst, space) => {
        fc.pre(unitsMs[unit] / count >= 0.01 && unitsMs[unit] / count <= 86_400_000);
        const written = `${space}${count}${space}/${space}${unit} ${space}burst ${burst}${space}`;
        const limit = parseRateLimit(written);
        expect(limit).toEqual({ count, unit, burst, intervalMs: unitsMs[unit] / count });
        const text = limit && formatRateLimit(limit);
        expect(text && parseRateLimit(text)).toEqual(limit);
        expect(text).toBe(burst === 1 ? `${count}/${unit}` : `${count}/${unit} burst ${burst}`);
      }),
    );
  });
});

describe('isSameLimit', () => {
  it.each([
    ['1/s', '60/min', true],
    ['1/s burst 2', '3600/h burst 2', true],
    ['none', 'none', true],
    ['1/s', '2/s', false],
    ['1/s', '1/s burst 2', false],
    ['1/s', 'none', false],
  ])('says of %s and %s: %s', (one, other, expected) => {
    expect([isSameLimit(one, other), isSameLimit(other, one)]).toEqual([expected, expected]);
  });
});
