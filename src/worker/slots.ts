/** Slots of the fleet's limit that this worker has reserved: at each of them it may take one message. */
export interface Slots {
  /** @param slotsMs in how many ms each of them is due, the earliest first */
  add(slotsMs: readonly number[]): void;
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
/** A slot that was missed by more than this is gone. */
const MISSED_MS = 10_000;

interface Slot {
  at: number;
  /** Since the one before. */
  intervalMs: number;
}

/** @param now a clock that never goes back; tests bring one that they can set */
export function createSlots(now: () => number = () => performance.now()): Slots {
  let slots: Slot[] = [];
  let last = -Infinity;
  /** The earliest time for the next message at the pace of catching up. */
  let paced = -Infinity;

  const dueAt = (slot: Slot): number => Math.max(slot.at, paced);

  return {
    add(slotsMs) {
      const from = now();
      for (const slotMs of slotsMs) {
        const at = from + slotMs;
        const intervalMs = at - last;
        slots.push({ at, intervalMs: intervalMs < MISSED_MS ? Math.max(0, intervalMs) : 0 });
        last = at;
      }
    },
    count: () => slots.length,
    takeDue(most) {
      const at = now();
      slots = slots.filter((slot) => slot.at > at - MISSED_MS);
      let taken = 0;
      for (let [slot] = slots; slot && taken < most && dueAt(slot) <= at; [slot] = slots) {
        slots.shift();
        taken += 1;
        paced = Math.max(paced, at - JITTER_MS) + CATCH_UP * (slots[0]?.intervalMs ?? slot.intervalMs);
      }
      return taken;
    },
    nextInMs: () => (slots[0] ? Math.max(0, dueAt(slots[0]) - now()) : Infinity),
  };
}
