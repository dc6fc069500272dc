import type { Logger } from 'pino';

export interface Repetition {
  stop(): void;
}

export interface Repeated {
  everyMs: number;
  /** Default `true`: workers that started together don't act together. */
  isJittered?: boolean;
  /** May return in how many ms it is to be done again. */
  work(): Promise<number | undefined | void>;
  logger: Logger;
}

/** Does something at intervals, never twice at once: while Redis is away, what waits for it must not pile up. */
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
      logger.warn({ err: error }, 'a periodic task failed and is tried again');
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
