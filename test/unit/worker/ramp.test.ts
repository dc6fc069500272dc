import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRamp, RAMP_STEP_MS } from '../../../src/worker/bullmq/ramp.ts';

const PLACES = 50;

describe('the ramp of a worker', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('allows eight messages after an idle time, and twice as many with each step, up to all places', () => {
    const ramp = createRamp();
    const allowed = [ramp(PLACES, 0)];
    while ((allowed.at(-1) ?? 0) < PLACES) {
      vi.advanceTimersByTime(RAMP_STEP_MS);
      allowed.push(ramp(PLACES, 1));
    }
    expect(allowed).toEqual([8, 16, 32, 50]);
  });

  it('stays at eight while nothing is out', () => {
    const ramp = createRamp();
    for (let n = 0; n < 5; n += 1) {
      expect(ramp(PLACES, 0)).toBe(8);
      vi.advanceTimersByTime(RAMP_STEP_MS);
    }
  });

  it('begins again only after more than a second without a message', () => {
    const ramp = createRamp();
    ramp(PLACES, 0);
    vi.advanceTimersByTime(1000);
    expect(ramp(PLACES, 1)).toBe(PLACES);
    vi.advanceTimersByTime(1000);
    expect(ramp(PLACES, 0)).toBe(PLACES);
    vi.advanceTimersByTime(1);
    expect(ramp(PLACES, 0)).toBe(8);
  });

  it('never allows more than there are places', () => {
    expect(createRamp()(3, 0)).toBe(3);
    expect(createRamp()(0, 0)).toBe(0);
  });
});
