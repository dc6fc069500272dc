/** How a call ended, and after how long. */
export interface Settled<T> {
  value: T | undefined;
  error: unknown;
  ms: number;
}

export async function settled<T>(call: Promise<T>): Promise<Settled<T>> {
  const start = performance.now();
  const since = (): number => performance.now() - start;
  return await call.then(
    (value) => ({ value, error: undefined, ms: since() }),
    (error: unknown) => ({ value: undefined, error, ms: since() }),
  );
}

/** Lets a moment pass in which something is to be under way, not to be over. */
export { setTimeout as afterMs } from 'node:timers/promises';
