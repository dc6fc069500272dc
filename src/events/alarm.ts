/** A wait that can be shortened. */
export interface Alarm {
  /** Waits for `ms`, or until it is rung. */
  wait(ms: number): Promise<void>;
  /** Ends the current wait, or the next one, after at most `ms`. */
  ring(ms: number): void;
}

export function createAlarm(): Alarm {
  let wake: (() => void) | null = null;
  let timer: NodeJS.Timeout | undefined;
  /** When the current or next wait ends, on the clock of `performance.now()`. */
  let endsAt = Infinity;

  function end(): void {
    clearTimeout(timer);
    endsAt = Infinity;
    const resolve = wake;
    wake = null;
    resolve?.();
  }

  function schedule(): void {
    clearTimeout(timer);
    const leftMs = endsAt - performance.now();
    if (leftMs <= 0) end();
    else timer = setTimeout(end, leftMs);
  }

  return {
    async wait(ms) {
      endsAt = Math.min(endsAt, performance.now() + ms);
      await new Promise<void>((resolve) => {
        wake = resolve;
        schedule();
      });
    },
    ring(ms) {
      const at = performance.now() + ms;
      if (at >= endsAt) return;
      endsAt = at;
      if (wake) schedule();
    },
  };
}
