/** A signal to end the work on one message: the part of an `AbortSignal` that the worker needs. */
export interface StopSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Replaces `AbortController`, which is too expensive to create for each message, as hardly any is ever aborted. */
export class Stop implements StopSignal {
  aborted = false;
  private listeners: (() => void)[] = [];

  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners = this.listeners.filter((other) => other !== listener);
  }

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of this.listeners) listener();
  }
}

/** Returns an `AbortSignal`, for functions that accept nothing else. */
export function abortSignalOf(stop: StopSignal): AbortSignal {
  if (stop instanceof AbortSignal) return stop;
  const controller = new AbortController();
  if (stop.aborted) controller.abort();
  else stop.addEventListener('abort', () => controller.abort());
  return controller.signal;
}

/** Waits for `work`, which may ignore the signal. Rejects with the signal's reason as soon as the signal is aborted. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    // Handles a rejection of the work even after an abort: an unhandled one would end the process.
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

/** The result of `orStopped` if the worker stopped first. */
export const STOPPED = Symbol('stopped');

/** Waits for `work`, which may ignore the signal, or until the signal is aborted. */
export async function orStopped<T>(work: Promise<T>, signal: StopSignal): Promise<T | typeof STOPPED> {
  const { promise: stopped, resolve } = Promise.withResolvers<typeof STOPPED>();
  const stop = (): void => resolve(STOPPED);
  signal.addEventListener('abort', stop);
  // The work may have begun just when the worker stopped.
  if (signal.aborted) stop();
  try {
    return await Promise.race([stopped, work]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
