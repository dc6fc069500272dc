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
