import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import { adviceOn } from '../../shared/errors/redis-advice.ts';
import { describeSafely } from '../../shared/errors/safe-cause.ts';

/** Errors of Redis and BullMQ that a worker gets over by repeating what failed. */
export interface EngineErrors {
  /**
   * Logs the first error of a kind, and then at most one line a minute as long as errors of this kind follow.
   *
   * @param what what failed, and what the worker does now
   * @param facts what the line has besides
   */
  note(error: unknown, what: string, facts?: object): void;
}

export interface EngineErrorsDeps {
  logger: WorkerLogger;
  /** Called for each error, with its code, such as OOM. */
  noted(code: string): void;
  /** A clock that never goes back; tests pass a clock that they can set. */
  now?(): number;
}

/** An error that comes back after a longer time is logged as a new one. */
const QUIET_MS = 60_000;
const REMIND_MS = 60_000;

interface Trouble {
  latestAt: number;
  loggedAt: number;
  /** Number of errors since the last line. */
  count: number;
}

export function createEngineErrors({ logger, noted, now = () => performance.now() }: EngineErrorsDeps): EngineErrors {
  const troubles = new Map<string, Trouble>();

  /** @returns the number of errors that a line stands for; 0 if there is to be none */
  function count(kind: string): number {
    const at = now();
    const known = troubles.get(kind);
    if (known === undefined || at - known.latestAt > QUIET_MS) {
      troubles.set(kind, { latestAt: at, loggedAt: at, count: 0 });
      return 1;
    }
    known.latestAt = at;
    known.count += 1;
    if (at - known.loggedAt < REMIND_MS) return 0;
    const { count: errors } = known;
    known.loggedAt = at;
    known.count = 0;
    return errors;
  }

  return {
    note(error, what, facts) {
      const { name, code } = describeSafely(error);
      noted(code ?? name);
      // Without a code, the place tells errors apart.
      const errors = count(code ?? `${name} ${what}`);
      if (errors === 0) return;
      const advice = adviceOn(error);
      logger.error({ err: error, errors, ...facts }, advice === undefined ? what : `${what}: ${advice}`);
    },
  };
}
