export interface BackoffConfig {
  backoffMs: number;
  backoffMaxMs: number;
}

/**
 * Returns the delay of an exponential backoff with full jitter: a random time up to `backoffMs`, doubled for each earlier failure, at
 * most `backoffMaxMs`. Full jitter spreads the retries of messages that failed together.
 *
 * @param failures number of failures so far, from 1
 * @param random a number from 0 to 1
 */
export function backoffDelayMs(failures: number, { backoffMs, backoffMaxMs }: BackoffConfig, random: number): number {
  const ceilingMs = Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(failures - 1, 52));
  return Math.round(ceilingMs * random);
}

/** The longest wait before the message looks again, because the circuit may be closed by then, or the key replaced. */
const LOOK_AGAIN_MS = 2000;

/**
 * Returns how long a message waits, in ms, before it looks again at a circuit that was open. Jittered, because many messages
 * meet the open circuit at once.
 *
 * @param random a number from 0 to 1
 */
export function pausedFor(leftMs: number, random: number): number {
  return Math.round(Math.min(leftMs, LOOK_AGAIN_MS) + random * 500);
}
