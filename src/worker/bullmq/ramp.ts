/** How many messages may be out at once after a time without any, and the time in which that doubles. */
const AT_FIRST = 8;
export const RAMP_STEP_MS = 250;
const IDLE_MS = 1000;

/**
 * Bounds the first requests after an idle time, so that a limit or an API that is down is found out by few of them. After three quarters of
 * a second all places of a usual worker may be used.
 */
export function createRamp(): (places: number, out: number) => number {
  let startedAt = -Infinity;
  let busyAt = -Infinity;

  return (places, out) => {
    const now = performance.now();
    if (out === 0 && now - busyAt > IDLE_MS) startedAt = now;
    if (out > 0) busyAt = now;
    return Math.min(places, AT_FIRST * 2 ** Math.floor((now - startedAt) / RAMP_STEP_MS));
  };
}
