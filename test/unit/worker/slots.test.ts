import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSlots, type Slots } from '../../../src/worker/bullmq/slots.ts';

const INTERVAL_MS = 20;
const LIMIT = { intervalMs: INTERVAL_MS, burst: 1 };

/** The slots of a worker, and a clock that is set by hand. */
function slotsAt(): Slots & { at(ms: number): void; nowMs(): number } {
  let now = 1000;
  const slots = createSlots(() => now);
  return { ...slots, at: (ms) => void (now = 1000 + ms), nowMs: () => now - 1000 };
}

describe('the slots that a worker has reserved', () => {
  it('are taken when they are due, each once', () => {
    const slots = slotsAt();
    slots.add([0, 20, 40], LIMIT);
    expect([slots.count(), slots.nextInMs()]).toEqual([3, 0]);
    expect([slots.takeDue(5), slots.takeDue(5), slots.count(), slots.nextInMs()]).toEqual([1, 0, 2, 20]);
    slots.at(19);
    expect([slots.takeDue(5), slots.nextInMs()]).toEqual([0, 1]);
    slots.at(20);
    expect(slots.takeDue(5)).toBe(1);
    slots.at(40);
    expect([slots.takeDue(5), slots.count(), slots.nextInMs()]).toEqual([1, 0, Infinity]);
  });

  it('stay where the worker has no place for a message', () => {
    const slots = slotsAt();
    slots.add([0], LIMIT);
    expect([slots.takeDue(0), slots.count()]).toEqual([0, 1]);
    expect(slots.takeDue(1)).toBe(1);
  });

  it('are all due at once as far as a burst allows', () => {
    const slots = slotsAt();
    slots.add([0, 0, 0, 20], { intervalMs: INTERVAL_MS, burst: 3 });
    expect([slots.takeDue(10), slots.count()]).toEqual([3, 1]);
  });

  it('that were missed by a little are made up for little by little', () => {
    const slots = slotsAt();
    slots.add(
      Array.from({ length: 250 }, (_, n) => n * INTERVAL_MS),
      LIMIT,
    );
    const taken: number[] = [];
    for (let ms = 70; ms < 9000; ms += 1) {
      slots.at(ms);
      for (let n = slots.takeDue(50); n > 0; n -= 1) taken.push(ms);
    }
    expect(taken).toHaveLength(250);
    for (const from of taken) {
      expect(taken.filter((ms) => ms >= from && ms < from + 1000).length).toBeLessThanOrEqual(55);
    }
  });

  it('are gone when they were missed by more: other workers may be late as well', () => {
    const slots = slotsAt();
    slots.add([0, 20, 40, 300], LIMIT);
    slots.at(110);
    expect([slots.takeDue(10), slots.count()]).toEqual([1, 1]);
  });

  it('leave as they were promised when the limit has become a lower one meanwhile', () => {
    const slots = slotsAt();
    slots.add([0, 20], LIMIT);
    expect(slots.takeDue(10)).toBe(1);
    slots.add([], { intervalMs: 60_000, burst: 1 });
    expect(slots.nextInMs()).toBe(20);
  });

  it('are never taken before their time, whenever the worker looks', () => {
    const anyWaits = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(anyWaits, fc.integer({ min: 1, max: 5 }), (waits, burst) => {
        const slots = slotsAt();
        const due = Array.from({ length: 30 }, (_, n) => Math.max(0, n - burst + 1) * INTERVAL_MS);
        slots.add(due, { intervalMs: INTERVAL_MS, burst });
        let taken = 0;
        for (const waitMs of waits) {
          slots.at(slots.nowMs() + waitMs);
          taken += slots.takeDue(10);
          expect(taken).toBeLessThanOrEqual(due.filter((ms) => ms <= slots.nowMs()).length);
          expect(taken + slots.count()).toBeLessThanOrEqual(30);
        }
      }),
    );
  });
});
