export interface BatchOptions {
  /** The most items of a batch. */
  size: number;
  /** The longest that the first item of a batch waits for others. */
  waitMs: number;
  /** Ends the batches; the last one has what has come so far. */
  signal: AbortSignal;
}

/**
 * Returns the items of a source in batches. While the caller works on a batch, at most one more item is taken from the source. The source
 * stays open: whoever has opened it closes it.
 */
export async function* batchesOf<T>(
  source: AsyncIterable<T>,
  { size, waitMs, signal }: BatchOptions,
): AsyncGenerator<T[]> {
  const items = source[Symbol.asyncIterator]();
  const batch: T[] = [];
  let isPulling = false;
  let hasEnded = false;
  let failure: { error: unknown } | null = null;
  let dueAt = Infinity;
  let wake = (): void => {};

  function take({ done, value }: IteratorResult<T>): void {
    if (done === true) {
      hasEnded = true;
      return;
    }
    if (batch.length === 0) dueAt = performance.now() + waitMs;
    batch.push(value);
  }

  async function pull(): Promise<void> {
    isPulling = true;
    try {
      take(await items.next());
    } catch (error) {
      failure = { error };
    }
    isPulling = false;
    wake();
  }

  /** Waits for the next item or the abort, at most so long. */
  async function next(forMs: number): Promise<void> {
    if (!isPulling) void pull();
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (forMs !== Infinity) timer = setTimeout(resolve, forMs);
    });
    clearTimeout(timer);
  }

  function isOver(): boolean {
    return hasEnded || failure !== null || signal.aborted;
  }

  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort);
  try {
    for (;;) {
      const forMs = batch.length === 0 ? Infinity : dueAt - performance.now();
      if (batch.length > 0 && (batch.length >= size || forMs <= 0 || isOver())) yield batch.splice(0);
      else if (isOver()) break;
      else await next(forMs);
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  if (failure !== null) throw (failure as { error: unknown }).error;
}
