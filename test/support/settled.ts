/** The result of a call, and its duration. */
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

/** Waits for a moment in which something should be in progress, but not finished. */
export { setTimeout as afterMs } from 'node:timers/promises';
