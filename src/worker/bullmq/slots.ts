import type { SlotLimit } from '../../shared/lanes/messages/settle-and-take.ts';

/** The slots of the fleet's limit that this worker has reserved. At each slot it may take one message. */
export interface Slots {
  /** @param slotsMs ms until each slot is due, the earliest first */
  add(slotsMs: readonly number[], limit: SlotLimit): void;
  /** Returns the number of slots left. */
  count(): number;
  /** Uses up the slots that are due, at most `most`. @returns their number */
  takeDue(most: number): number;
  /** Returns the ms until the next slot is due; Infinity if there is none. */
  nextInMs(): number;
}

/** Late messages leave at this multiple of the interval, so that no second exceeds the limit by more than a tenth. */
const CATCH_UP = 0.95;
const JITTER_MS = 20;
/** A slot that was missed by more than this is dropped: several workers may be late, and none knows of the others. */
const MISSED_MS = 80;

/** @param now a clock that never goes back; tests pass a clock that they can set */
export function createSlots(now: () => number = () => performance.now()): Slots {
  let slots: number[] = [];
  let limit: SlotLimit = { intervalMs: 0, burst: 1 };
  /** When the next message is due at the pace of catching up (GCRA). */
  let paced = -Infinity;

  const dueAt = (slot: number): number => Math.max(slot, paced - (limit.burst - 1) * CATCH_UP * limit.intervalMs);

  return {
    add(slotsMs, given) {
      // Without new slots the limit stays that of the slots that are left.
      if (slotsMs.length > 0) limit = given;
      const from = now();
      slots.push(...slotsMs.map((slotMs) => from + slotMs));
    },
    count: () => slots.length,
    takeDue(most) {
      const at = now();
      slots = slots.filter((slot) => slot > at - MISSED_MS);
      let taken = 0;
      for (let [slot] = slots; slot !== undefined && taken < most && dueAt(slot) <= at; [slot] = slots) {
        slots.shift();
        taken += 1;
        paced = Math.max(paced, at - JITTER_MS) + CATCH_UP * limit.intervalMs;
      }
      return taken;
    },
    nextInMs: () => (slots[0] === undefined ? Infinity : Math.max(0, dueAt(slots[0]) - now())),
  };
}
