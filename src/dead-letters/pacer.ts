import { setTimeout as delay } from 'node:timers/promises';
import { MAX_TIMER_MS } from '../shared/model/time.ts';
import { ConfigError } from '../shared/errors/errors.ts';
import { parseRateLimit, RATE_LIMIT_RULE } from '../shared/model/rate-limit.ts';

/** Spaces out replays to keep to a rate. */
export interface Pacer {
  /** Waits for the next turn. @returns `false` if the signal was aborted before. */
  turn(): Promise<boolean>;
}

/** After a pause, this much of the schedule is caught up at once. */
const CATCH_UP_MS = 500;

/**
 * Keeps to an absolute schedule, so that late wake-ups don't add up. Only after a pause can a second exceed the rate.
 *
 * @param rate `200/s`, or `undefined` for no limit
 * @throws ConfigError if the text is not a rate.
 */
export function createPacer(
  rate: string | undefined,
  signal: AbortSignal | undefined,
  now = () => performance.now(),
): Pacer {
  if (rate === undefined) return { turn: async () => !signal?.aborted };
  const limit = parseRateLimit(rate);
  if (limit === null) throw new ConfigError([`rate: ${RATE_LIMIT_RULE}`]);
  const { intervalMs, burst } = limit;
  const burstMs = (burst - 1) * intervalMs;
  let nextAt: number | null = null;

  return {
    async turn() {
      const nowMs = now();
      // Without a burst the first turn comes at the end of its interval, so that the rate is never exceeded.
      const planned = nextAt ?? nowMs + (burst > 1 ? -burstMs : intervalMs);
      const at = Math.max(planned, nowMs - Math.max(CATCH_UP_MS, burstMs));
      nextAt = at + intervalMs;
      return await waitUntil(at);
    },
  };

  async function waitUntil(at: number): Promise<boolean> {
    const isStopped = (): boolean => signal?.aborted === true;
    // A timer may fire a little early.
    for (let leftMs = at - now(); leftMs > 0 && !isStopped(); leftMs = at - now()) {
      await delay(Math.min(Math.ceil(leftMs), MAX_TIMER_MS), undefined, signal ? { signal } : {}).catch(() => {});
    }
    return !isStopped();
  }
}
