import type { SlotLimit } from '../../shared/lanes/messages/turn.ts';

/** Slots of the fleet's limit that this worker has reserved: at each of them it may take one message. */
export interface Slots {
  /** @param slotsMs in how many ms each of them is due, the earliest first */
  add(slotsMs: readonly number[], limit: SlotLimit): void;
  /** How many are left. */
  count(): number;
  /** Takes those that are due, at most `most`. */
  takeDue(most: number): number;
  /** In how many ms the next one is due; Infinity if there is none. */
  nextInMs(): number;
}

/** What is late is made up for at this part of the interval: no second has more than a tenth over the limit. */
const CATCH_UP = 0.95;
const JITTER_MS = 20;
/** A slot that was missed by more than this is gone: other workers may be late as well, and none knows of the others. */
const MISSED_MS = 80;

/** @param now a clock that never goes back; tests bring one that they can set */
export function createSlots(now: () => number = () => performance.now()): Slots {
  let slots: number[] = [];
  let limit: SlotLimit = { intervalMs: 0, burst: 1 };
  /** When the next message is due at the pace of catching up (GCRA). */
  let paced = -Infinity;

  const dueAt = (slot: number): number => Math.max(slot, paced - (limit.burst - 1) * CATCH_UP * limit.intervalMs);

  return {
    add(slotsMs, given) {
      // Slots that are there leave as the limit was when they were reserved.
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
