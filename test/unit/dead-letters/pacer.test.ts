import timers from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { createPacer } from '../../../src/dead-letters/pacer.ts';
import { ConfigError } from '../../../src/shared/errors/errors.ts';
import { replaceBuiltin } from '../../support/replace-builtin.ts';

/** The times at which turns come if nothing takes time but `busyMs(n)` before the nth. */
async function turnsAt(rate: string, count: number, busyMs: (n: number) => number = () => 0): Promise<number[]> {
  const pacer = createPacer(rate, undefined, () => nowMs);
  const times: number[] = [];
  for (let n = 0; n < count; n += 1) {
    nowMs += busyMs(n);
    expect(await pacer.turn()).toBe(true);
    times.push(nowMs);
  }
  return times;
}

let nowMs = 0;

describe('a pacer', () => {
  beforeEach(() => {
    nowMs = 1000;
    replaceBuiltin(timers, 'setTimeout', async <T>(ms = 0, value?: T) => {
      // As early as a timer may fire.
      nowMs += Math.max(0.4, ms - 0.7);
      return value as T;
    });
  });

  it('keeps to the rate from the first one on: never more than so many in any time', async () => {
    const times = await turnsAt('200/s', 1000);
    for (const [n, at] of times.entries()) expect(at - 1000).toBeGreaterThanOrEqual((n + 1) * 5);
    expect((times.at(-1) ?? 0) - 1000).toBeLessThan(5005);
  });

  it('does not drift: what each one takes is no part of the schedule', async () => {
    const times = await turnsAt('100/s', 500, () => 7);
    expect((times.at(-1) ?? 0) - 1000).toBeLessThan(5010);
  });

  it('makes up for a hiccup, and only for a short one', async () => {
    const short = await turnsAt('100/s', 200, (n) => (n === 100 ? 300 : 0));
    expect((short.at(-1) ?? 0) - 1000).toBeLessThan(2010);
    nowMs = 1000;
    const long = await turnsAt('100/s', 200, (n) => (n === 100 ? 10_000 : 0));
    const after = long.slice(100).filter((at) => at - (long[100] ?? 0) < 1);
    expect(after.length).toBeLessThanOrEqual(51);
    expect((long.at(-1) ?? 0) - 1000).toBeGreaterThan(11_400);
  });

  it('lets a burst go at once if the rate has one', async () => {
    const times = await turnsAt('10/s burst 5', 6);
    expect(times.slice(0, 5).map((at) => at - 1000)).toEqual([0, 0, 0, 0, 0]);
    expect((times[5] ?? 0) - 1000).toBeGreaterThanOrEqual(100);
  });

  it('says no more turns when it is told to stop', async () => {
    const stop = new AbortController();
    const pacer = createPacer('1/s', stop.signal, () => nowMs);
    stop.abort();
    expect(await pacer.turn()).toBe(false);
    expect(await createPacer(undefined, stop.signal).turn()).toBe(false);
    expect(await createPacer(undefined, undefined).turn()).toBe(true);
  });

  it.each(['fast', '200', '0/s', '5/day', ''])('refuses %j as a rate, and says how one looks', (rate) => {
    expect(() => createPacer(rate, undefined)).toThrow(ConfigError);
    expect(() => createPacer(rate, undefined)).toThrow(/rate: must look like 50\/s/);
  });
});
