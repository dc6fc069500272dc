import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffDelayMs } from '../../../src/worker/backoff.ts';

const config = { backoffMs: 1000, backoffMaxMs: 300_000 };

const anyConfig = fc
  .tuple(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.integer({ min: 1, max: 2 ** 31 - 1 }))
  .map(([a, b]) => ({ backoffMs: Math.min(a, b), backoffMaxMs: Math.max(a, b) }));
const anyRandom = fc.double({ min: 0, max: 1, noNaN: true });
const anyFailures = fc.integer({ min: 1, max: 10_000 });

describe('backoffDelayMs', () => {
  it.each([
    [1, 1000],
    [2, 2000],
    [3, 4000],
    [9, 256_000],
    [10, 300_000],
    [11, 300_000],
    [10_000, 300_000],
  ])('waits after %i failures up to %i ms, and never longer than the longest backoff', (failures, ceilingMs) => {
    expect(backoffDelayMs(failures, config, 1)).toBe(ceilingMs);
    expect(backoffDelayMs(failures, config, 0.5)).toBe(ceilingMs / 2);
    expect(backoffDelayMs(failures, config, 0)).toBe(0);
  });

  it('gives a whole number of ms from 0 to the longest backoff, however often it failed', () => {
    fc.assert(
      fc.property(anyFailures, anyConfig, anyRandom, (failures, anyBackoff, random) => {
        const delayMs = backoffDelayMs(failures, anyBackoff, random);
        expect(Number.isSafeInteger(delayMs)).toBe(true);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(anyBackoff.backoffMaxMs);
      }),
    );
  });

  it('never lowers its ceiling with another failure', () => {
    fc.assert(
      fc.property(anyFailures, anyConfig, (failures, anyBackoff) => {
        const ceilingMs = backoffDelayMs(failures, anyBackoff, 1);
        expect(backoffDelayMs(failures + 1, anyBackoff, 1)).toBeGreaterThanOrEqual(ceilingMs);
      }),
    );
  });

  it('spreads the waits over everything below the ceiling', () => {
    fc.assert(
      fc.property(anyFailures, anyConfig, anyRandom, (failures, anyBackoff, random) => {
        const ceilingMs = backoffDelayMs(failures, anyBackoff, 1);
        expect(Math.abs(backoffDelayMs(failures, anyBackoff, random) - ceilingMs * random)).toBeLessThanOrEqual(0.5);
      }),
    );
  });
});
