import type { Logger } from 'pino';

export interface Repetition {
  stop(): void;
}

export interface Repeated {
  everyMs: number;
  /** Default `true`, so that workers that started together don't act at the same moments. */
  isJittered?: boolean;
  /** May return the ms until the next run. */
  work(): Promise<number | undefined | void>;
  logger: Logger;
}

/** Runs work at intervals, never twice at once, so that calls don't pile up while Redis is away. */
export function repeat({ everyMs, isJittered = true, work, logger }: Repeated): Repetition {
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
      logger.warn({ err: error }, 'a periodic task failed; it is tried again at its next time');
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
