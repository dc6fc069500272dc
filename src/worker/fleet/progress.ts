import type { RedisClient } from '../../shared/redis/cluster.ts';
import type { Shard } from '../../shared/lanes/shard.ts';
import { ConfigError } from '../../shared/errors/errors.ts';
import { describeSafely } from '../../shared/errors/safe-cause.ts';
import { isReady, lastErrorOf } from '../../shared/redis/ready.ts';
import { refusalOf } from '../../shared/redis/refusals.ts';

/** Facts about a worker's own progress, not yet judged. Durations are in ms. */
export interface WorkerHealth {
  id: string;
  phase: 'starting' | 'taking' | 'draining' | 'ended';
  /** How long the worker has been in this phase. */
  phaseMs: number;
  /**
   * The state of the connection to Redis, and how long it has been in this state. `refusal` is the code with which Redis refuses
   * writes, such as `READONLY` for a replica; `null` if it takes them, or if it can't be reached. `error` is the code, or the text of a
   * `ConfigError`, with which the last attempt to connect failed, such as `WRONGPASS`; `null` if it is ready.
   */
  redis: { ready: boolean; sinceMs: number; refusal: string | null; error: string | null };
  /** The time since the periodic task last finished; `null` before the first time. */
  sinceTickMs: number | null;
  /** How long the oldest open attempt has been under way; 0 if none is open. */
  oldestAttemptMs: number;
  /** How long messages have been waiting while this worker had free places but took none; 0 if it takes them. */
  starvingMs: number;
  /** The most requests at once. */
  concurrency: number;
  /** Number of messages that the worker is processing. */
  sending: number;
  timeoutMs: number;
  shutdownMs: number;
}

/** Records the progress of one worker. */
export interface WorkerProgress {
  enter(phase: WorkerHealth['phase']): void;
  watch(redis: RedisClient): void;
  /** Notes that a request begins. @returns the function to call when the request has ended */
  began(): () => void;
  /** Notes that a message of the shard was taken. */
  took(shard: Shard): void;
  /** Notes that a message of the shard is settled. */
  ended(shard: Shard): void;
  /** Returns the number of messages of the shard that are being processed. */
  openIn(shard: Shard): number;
  /** Notes that the periodic task of a shard has finished. @param isWaiting whether messages may leave but no worker takes them */
  ticked(shard: Shard, isWaiting: boolean, places: number): void;
  health(): WorkerHealth;
}

export interface ProgressConfig {
  workerId: string;
  concurrency: number;
  timeoutMs: number;
  shutdownMs: number;
}

interface ShardProgress {
  open: number;
  /** Since when messages wait although there are free places; `null` if none do. */
  starvingSince: number | null;
}

/** @param now a clock that never goes back; tests pass a clock that they can set */
export function createProgress(config: ProgressConfig, now: () => number = () => performance.now()): WorkerProgress {
  const { workerId: id, concurrency, timeoutMs, shutdownMs } = config;
  const shards = new Map<Shard, ShardProgress>();
  /** When each open attempt began, the oldest first. */
  const attempts = new Set<{ startedAt: number }>();
  let phase: WorkerHealth['phase'] = 'starting';
  let phaseSince = now();
  let connection: RedisClient | null = null;
  let redisSince = now();
  let tickedAt: number | null = null;

  function progressOf(shard: Shard): ShardProgress {
    const known = shards.get(shard) ?? { open: 0, starvingSince: null };
    shards.set(shard, known);
    return known;
  }

  return {
    enter(next) {
      phase = next;
      phaseSince = now();
    },
    watch(redis) {
      connection = redis;
      for (const event of ['ready', 'close'] as const) redis.on(event, () => (redisSince = now()));
    },
    began() {
      const attempt = { startedAt: now() };
      attempts.add(attempt);
      return () => attempts.delete(attempt);
    },
    took(shard) {
      const progress = progressOf(shard);
      progress.open += 1;
      progress.starvingSince = null;
    },
    ended(shard) {
      progressOf(shard).open -= 1;
    },
    openIn: (shard) => progressOf(shard).open,
    ticked(shard, isWaiting, places) {
      tickedAt = now();
      const progress = progressOf(shard);
      const isStarving = isWaiting && progress.open < places;
      progress.starvingSince = isStarving ? (progress.starvingSince ?? tickedAt) : null;
    },
    health() {
      const since = (moment: number | null | undefined): number =>
        typeof moment === 'number' ? Math.round(now() - moment) : 0;
      const all = [...shards.values()];
      const [oldest] = attempts;
      const refusal = connection === null ? undefined : refusalOf(connection);
      return {
        id,
        phase,
        phaseMs: since(phaseSince),
        redis: {
          ready: connection !== null && isReady(connection) && refusal === undefined,
          sinceMs: since(redisSince),
          refusal: refusal === undefined ? null : (describeSafely(refusal).code ?? null),
          error: connection === null || isReady(connection) ? null : reasonOf(lastErrorOf(connection)),
        },
        sinceTickMs: tickedAt === null ? null : since(tickedAt),
        oldestAttemptMs: since(oldest?.startedAt),
        starvingMs: Math.max(0, ...all.map(({ starvingSince }) => since(starvingSince))),
        concurrency,
        sending: all.reduce((total, { open }) => total + open, 0),
        timeoutMs,
        shutdownMs,
      };
    },
  };
}

function reasonOf(error: Error | undefined): string | null {
  if (error instanceof ConfigError) return error.problems.join('; ');
  return describeSafely(error).code ?? null;
}
