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
