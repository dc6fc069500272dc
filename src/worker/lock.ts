const LEAST_LOCK_MS = 5000;
const STALLED_CHECK_MS = 4000;

/**
 * How long BullMQ's lock on a message lasts, and how often it looks for messages whose lock has ended. The lock covers
 * a request twice, so that a request which begins late still ends under it. A killed worker's messages go on after at
 * most one lock and two checks: a worker that is alone is now and then refused a check by the mark of its last one.
 */
export function lockTimes(timeoutMs: number): { lockDurationMs: number; stalledIntervalMs: number } {
  const lockDurationMs = Math.max(2 * timeoutMs, LEAST_LOCK_MS);
  return { lockDurationMs, stalledIntervalMs: Math.min(STALLED_CHECK_MS, lockDurationMs / 2) };
}
