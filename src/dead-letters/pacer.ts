import { setTimeout as delay } from 'node:timers/promises';
import { MAX_TIMER_MS } from '../shared/model/time.ts';
import { ConfigError } from '../shared/errors/errors.ts';
import { parseRateLimit, RATE_LIMIT_RULE } from '../shared/model/rate-limit.ts';

/** Lets one after another go. */
export interface Pacer {
  /** Waits for the next turn. @returns `false` if it was told to stop before. */
  turn(): Promise<boolean>;
}

/** After a moment in which nothing went, so much of the schedule is made up for at once. */
const CATCH_UP_MS = 500;

/**
 * Keeps to an absolute schedule: waits that end late don't add up, and no second has more than the rate but after a hiccup.
 *
 * @param rate `200/s`, or `undefined` for no limit
 * @throws ConfigError if the text is no rate.
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
      // Without a burst the first one has its place at the end of its interval: at no time were there more than the rate allows.
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
