import type { WorkerHealth } from '../../worker/index.ts';

/** The facts that the health of a process is judged by. */
export interface HealthFacts {
  /** `null` for a console without a worker. */
  worker: WorkerHealth | null;
  /** Whether Redis answers on a connection that is not the worker's. */
  redisAnswers: boolean;
}

/** Why a process should be restarted, and why it can't be relied on now; `null` if it is well. */
export interface Health {
  notAlive: string | null;
  notReady: string | null;
}

/** Far more than the 0.5 s between two runs of the periodic task, and more than a busy machine delays it. */
const STILL_MS = 20_000;
/** Long enough for many attempts to connect, which are made every second. */
const CUT_OFF_MS = 30_000;
/** More than an attempt needs: it looks up a key and makes a request, each within `timeoutMs`. */
const TIMEOUTS_OF_ATTEMPT = 3;
const GRACE_MS = 10_000;

/**
 * Alive means that the worker makes progress or has a good reason to wait. A worker that waits for Redis is alive but not
 * ready, so that an outage of Redis does not restart all workers.
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
      ? `the shutdown has taken ${inSeconds(phaseMs)}, with a KITECHAT_SHUTDOWN_MS of ${shutdownMs}`
      : null;
  }
  if (oldestAttemptMs > TIMEOUTS_OF_ATTEMPT * timeoutMs + GRACE_MS) {
    return `an attempt has been open for ${inSeconds(oldestAttemptMs)}, with a KITECHAT_TIMEOUT_MS of ${timeoutMs}`;
  }
  if (!redisAnswers) return null;
  // A console may still read from a Redis that refuses the worker's writes.
  if (redis.refusal !== null) return null;
  if (!redis.ready) {
    return redis.sinceMs > CUT_OFF_MS
      ? `Redis answers, but the worker's own connection has been away for ${inSeconds(redis.sinceMs)}`
      : null;
  }
  return whyStandsStill(worker);
}

/** Counts only the time since Redis came back: until then the worker had a reason to stand still. */
function whyStandsStill({ redis, sinceTickMs, starvingMs }: WorkerHealth): string | null {
  const stillMs = Math.min(sinceTickMs ?? redis.sinceMs, redis.sinceMs);
  if (stillMs > STILL_MS) return `the worker's periodic task has not run for ${inSeconds(stillMs)}`;
  const idleMs = Math.min(starvingMs, redis.sinceMs);
  if (idleMs > STILL_MS) return `messages wait and places are free, but none was taken for ${inSeconds(idleMs)}`;
  return null;
}

function whyNotReady(worker: WorkerHealth | null, redisAnswers: boolean): string | null {
  if (worker?.phase === 'draining') return 'the worker is shutting down';
  if (worker?.redis.refusal) return `Redis takes no writes now (${worker.redis.refusal})`;
  if (!redisAnswers || worker?.redis.ready === false) {
    return worker?.redis.error ? `Redis is away (${worker.redis.error})` : 'Redis is away';
  }
  return worker?.phase === 'starting' ? 'the worker is starting' : null;
}

function inSeconds(durationMs: number): string {
  return `${Math.round(durationMs / 1000)} s`;
}
