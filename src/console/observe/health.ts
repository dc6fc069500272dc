import type { WorkerHealth } from '../../worker/index.ts';

/** What is known when somebody asks how a process does. */
export interface HealthFacts {
  /** `null` for a console without a worker. */
  worker: WorkerHealth | null;
  /** Whether Redis answers on a connection that is not the worker's. */
  redisAnswers: boolean;
}

/** Why a process should be started anew, and why it is not to be counted on now; `null` if there is nothing to say. */
export interface Health {
  notAlive: string | null;
  notReady: string | null;
}

/** The periodic task runs twice a second, so this is an eternity, and yet no busy machine. */
const STILL_MS = 20_000;
/** A connection is tried again every second. */
const CUT_OFF_MS = 30_000;
/** A key is looked for and a request is made, each within `timeoutMs`. */
const TIMEOUTS_OF_ATTEMPT = 3;
const GRACE_MS = 10_000;

/**
 * Alive means: makes progress, or waits rightly. A worker that waits for Redis is alive, so that an outage of Redis does not
 * become one of all workers, but it is not ready.
 */
export function judgeHealth({ worker, redisAnswers }: HealthFacts): Health {
  const notAlive = worker && whyNotAlive(worker, redisAnswers);
  return { notAlive, notReady: notAlive ?? whyNotReady(worker, redisAnswers) };
}

function whyNotAlive(worker: WorkerHealth, redisAnswers: boolean): string | null {
  const { phase, phaseMs, redis, oldestAttemptMs, timeoutMs, shutdownMs } = worker;
  if (phase === 'ended') return 'the worker has ended';
  if (phase === 'draining') {
    return phaseMs > shutdownMs + GRACE_MS
      ? `its shutdown has taken ${inSeconds(phaseMs)}, with a KITECHAT_SHUTDOWN_MS of ${shutdownMs}`
      : null;
  }
  if (oldestAttemptMs > TIMEOUTS_OF_ATTEMPT * timeoutMs + GRACE_MS) {
    return `an attempt has been open for ${inSeconds(oldestAttemptMs)}, with a KITECHAT_TIMEOUT_MS of ${timeoutMs}`;
  }
  if (!redisAnswers) return null;
  if (!redis.ready) {
    return redis.sinceMs > CUT_OFF_MS
      ? `Redis answers, but the worker's own connection has been away for ${inSeconds(redis.sinceMs)}`
      : null;
  }
  return whyStandsStill(worker);
}

/** With Redis there, counted from when it came back: what stood still until then was right to. */
function whyStandsStill({ redis, sinceTickMs, starvingMs }: WorkerHealth): string | null {
  const stillMs = Math.min(sinceTickMs ?? redis.sinceMs, redis.sinceMs);
  if (stillMs > STILL_MS) return `its periodic task has not run for ${inSeconds(stillMs)}`;
  const idleMs = Math.min(starvingMs, redis.sinceMs);
  if (idleMs > STILL_MS) return `messages wait and places are free, but it has taken none for ${inSeconds(idleMs)}`;
  return null;
}

function whyNotReady(worker: WorkerHealth | null, redisAnswers: boolean): string | null {
  if (worker?.phase === 'draining') return 'the worker is shutting down';
  if (!redisAnswers || worker?.redis.ready === false) return 'Redis is away';
  return worker?.phase === 'starting' ? 'the worker is starting' : null;
}

function inSeconds(durationMs: number): string {
  return `${Math.round(durationMs / 1000)} s`;
}
