/** Events that are read one by one, as long as there is room. */
export interface Supply<Event> {
  /** The events, until they end or `stop` is called. */
  events(): AsyncGenerator<Event, void>;
  /** Notes an event that waits, with the length of what is kept of it. */
  holds(length: number): void;
  /** Notes that such an event waits no more. */
  released(length: number): void;
  stop(): void;
}

/** Bounds of what waits in memory; the stream in Redis has the rest. */
const MOST_EVENTS = 5000;
const MOST_LENGTH = 32 * 1024 * 1024;

export function createSupply<Event>(source: AsyncIterable<Event>): Supply<Event> {
  const stopped = Promise.withResolvers<{ done: true; value: undefined }>();
  let isStopped = false;
  let count = 0;
  let length = 0;
  let onRoom: (() => void) | undefined;

  const hasRoom = (): boolean => isStopped || (count < MOST_EVENTS && length < MOST_LENGTH);

  async function room(): Promise<void> {
    if (hasRoom()) return;
    await new Promise<void>((resolve) => {
      onRoom = resolve;
    });
  }

  function tellRoom(): void {
    if (hasRoom()) onRoom?.();
  }

  return {
    async *events() {
      const iterator = source[Symbol.asyncIterator]();
      for (;;) {
        await room();
        if (isStopped) return;
        const coming = iterator.next();
        // After a stop nobody waits for it.
        coming.catch(() => {});
        const next = await Promise.race([coming, stopped.promise]);
        if (next.done === true) return;
        yield next.value;
      }
    },
    holds(more) {
      count += 1;
      length += more;
    },
    released(less) {
      count -= 1;
      length -= less;
      tellRoom();
    },
    stop() {
      isStopped = true;
      stopped.resolve({ done: true, value: undefined });
      tellRoom();
    },
  };
}
