export interface BackoffConfig {
  backoffMs: number;
  backoffMaxMs: number;
}

/**
 * Exponential backoff with full jitter: anything from nothing to `backoffMs` doubled for each failure before, at most
 * `backoffMaxMs`. Full jitter spreads the retries of messages that failed together.
 *
 * @param failures how often it failed so far, from 1
 * @param random a number from 0 to 1
 */
export function backoffDelayMs(failures: number, { backoffMs, backoffMaxMs }: BackoffConfig, random: number): number {
  const ceilingMs = Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(failures - 1, 52));
  return Math.round(ceilingMs * random);
}

/** Nobody waits longer without looking again: the circuit may be closed, or the key another one. */
const LOOK_AGAIN_MS = 2000;

/**
 * How long a message that met an open circuit waits before it looks again. Jittered: many meet it at once.
 *
 * @param random a number from 0 to 1
 */
export function pausedFor(leftMs: number, random: number): number {
  return Math.round(Math.min(leftMs, LOOK_AGAIN_MS) + random * 500);
}
