import { setTimeout as delay } from 'node:timers/promises';

/** The result of a condition. Not a number, since 0, with which Redis reports that a key is missing, would count as found. */
type Found = object | string | true;

/** Polls until a condition holds, which on a busy machine may take minutes. */
export async function eventually<T extends Found>(
  what: string,
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  timeoutMs = 100_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await delay(20);
  }
}
