import { setTimeout as delay } from 'node:timers/promises';

/** What is looked for. A number is refused: 0, as Redis says that something is not there, would count as found. */
type Found = object | string | true;

/** Waits until a condition holds that nothing announces; on a busy machine that may take minutes. */
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
