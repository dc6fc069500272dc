import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';

const EVERY_MS = 2;

/**
 * Pings a Redis over a connection of its own while something runs.
 *
 * @returns the longest time that an answer took, in ms
 */
export async function longestSilenceMs(url: string, act: () => Promise<void>): Promise<number> {
  const redis = new Redis(url);
  await redis.ping();
  let longestMs = 0;
  const acting = new AbortController();
  const pinging = (async () => {
    while (!acting.signal.aborted) {
      const sentAt = performance.now();
      await redis.ping();
      longestMs = Math.max(longestMs, performance.now() - sentAt);
      await delay(EVERY_MS);
    }
  })();
  try {
    await act();
  } finally {
    acting.abort();
    await pinging;
    redis.disconnect();
  }
  if (process.env['SHOW_COST']) process.stdout.write(`longest silence: ${longestMs.toFixed(1)} ms\n`);
  return longestMs;
}
