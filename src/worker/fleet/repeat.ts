export interface Repetition {
  stop(): void;
}

export interface Repeated {
  everyMs: number;
  /** Default `true`, so that workers that started together don't act at the same moments. */
  isJittered?: boolean;
  /** May return the ms until the next run. */
  work(): Promise<number | undefined | void>;
  /** Called when the work fails; it runs again at its next time. */
  onError(error: unknown): void;
}

/** Runs work at intervals, never twice at once, so that calls don't pile up while Redis is away. */
export function repeat({ everyMs, isJittered = true, work, onError }: Repeated): Repetition {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  function next(inMs: number): void {
    if (isStopped) return;
    timer = setTimeout(() => void run(), isJittered ? inMs * (0.75 + Math.random() * 0.5) : inMs);
  }

  async function run(): Promise<void> {
    let againInMs: number | undefined | void;
    try {
      againInMs = await work();
    } catch (error) {
      onError(error);
    }
    next(againInMs ?? everyMs);
  }

  next(everyMs);
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
