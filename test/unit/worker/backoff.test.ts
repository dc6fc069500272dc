import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffDelayMs } from '../../../src/shared/retry/backoff.ts';
import { pausedFor } from '../../../src/worker/message/pause.ts';

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

describe('pausedFor', () => {
  it.each([
    [0, 0, 0],
    [700, 0, 700],
    [700, 1, 1200],
    [2000, 0.5, 2250],
    [2001, 0, 2000],
    [900_000, 1, 2500],
  ])('with %i ms left of a pause, and %d at random, looks again in %i ms', (leftMs, random, delayMs) => {
    expect(pausedFor(leftMs, random)).toBe(delayMs);
  });

  it('never looks again before the pause is over or two seconds have passed, and then within half a second', () => {
    const anyLeft = fc.double({ min: 0, max: 2 ** 31 - 1, noNaN: true });
    fc.assert(
      fc.property(anyLeft, anyRandom, (leftMs, random) => {
        const delayMs = pausedFor(leftMs, random);
        const lateMs = delayMs - Math.min(leftMs, 2000);
        expect(Number.isSafeInteger(delayMs)).toBe(true);
        expect(lateMs).toBeGreaterThanOrEqual(-0.5);
        expect(lateMs).toBeLessThanOrEqual(500.5);
      }),
    );
  });

  it('spreads those that met the same pause over half a second', () => {
    fc.assert(
      fc.property(fc.nat(60_000), anyRandom, (leftMs, random) => {
        const spreadMs = pausedFor(leftMs, random) - pausedFor(leftMs, 0);
        expect(Math.abs(spreadMs - 500 * random)).toBeLessThanOrEqual(0.5);
      }),
    );
  });
});
