import { setTimeout as delay } from 'node:timers/promises';

/** Calls `offer` so many times, at an even pace. */
export async function offerEvenly(
  { count, perSecond }: { count: number; perSecond: number },
  offer: (nth: number) => Promise<unknown>,
): Promise<void> {
  const startedAt = performance.now();
  for (let nth = 0; nth < count; nth += 1) {
    await delay(Math.max(0, startedAt + (nth * 1000) / perSecond - performance.now()));
    await offer(nth);
  }
}
