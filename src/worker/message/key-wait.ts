const SHORTEST_MS = 1000;
const LONGEST_MS = 30_000;
/** How far apart a worker looks at such messages again: others can write any number of them, and the rest must go on. */
const APART_MS = 5;

/**
 * Says how long messages wait whose encryption key this worker lacks: as long again as they have waited, from a second to half a minute,
 * and longer when there are many of them.
 *
 * @param now a clock that never goes back, in ms; tests pass a clock that they can set
 */
export function createKeyWait(now: () => number = () => performance.now()): (waitedMs: number) => number {
  let busyUntil = -Infinity;
  return (waitedMs) => {
    busyUntil = Math.max(busyUntil, now()) + APART_MS;
    return Math.min(Math.max(waitedMs || 0, SHORTEST_MS), LONGEST_MS) + busyUntil - now();
  };
}
