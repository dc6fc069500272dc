const REMIND_MS = 60_000;

/**
 * Bounds the lines about something that others can cause any number of times: one line at once, and then at most one a minute.
 *
 * @param now a clock that never goes back; tests pass a clock that they can set
 * @returns for a number of events the number that a line stands for now; 0 if there is to be no line
 */
export function createFlood(now: () => number = () => performance.now()): (events: number) => number {
  let loggedAt = -Infinity;
  let count = 0;
  return (events) => {
    count += events;
    if (count === 0 || now() - loggedAt < REMIND_MS) return 0;
    const all = count;
    loggedAt = now();
    count = 0;
    return all;
  };
}
