import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { median, percentile, spread } from '../../../bench/result/statistics.ts';

const someValues = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }), { minLength: 1 });

describe('a percentile', () => {
  it('of 100 values is the one at its rank', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([0, 1, 50, 99, 100].map((percent) => percentile(values, percent))).toEqual([1, 1, 50, 99, 100]);
  });

  it('is one of the values, and at least so many percent of them are not above it', () => {
    fc.assert(
      fc.property(someValues, fc.integer({ min: 1, max: 100 }), (values, percent) => {
        const found = percentile(values, percent);
        expect(values).toContain(found);
        const upTo = values.filter((value) => value <= found).length;
        const below = values.filter((value) => value < found).length;
        expect(upTo / values.length).toBeGreaterThanOrEqual(percent / 100 - 1e-9);
        expect(below / values.length).toBeLessThan(percent / 100);
      }),
    );
  });

  it('of no values is an error, not a number', () => {
    expect(() => percentile([], 99)).toThrow(RangeError);
  });
});

describe('the median', () => {
  it.each([
    [[7], 7],
    [[9, 1], 5],
    [[9, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[10, 9, 1, 2], 5.5],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('has as many values below as above, whatever their order', () => {
    fc.assert(
      fc.property(someValues, (values) => {
        const middle = median(values);
        expect(median(values.toReversed())).toBe(middle);
        expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2);
        expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });

  it('of no values is an error, not a number', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('a spread', () => {
  it('goes from the least to the greatest and leaves the values as they were', () => {
    const values = [3, 1, 10, 2];
    expect(spread(values)).toEqual({ min: 1, median: 2.5, max: 10 });
    expect(values).toEqual([3, 1, 10, 2]);
  });
});
