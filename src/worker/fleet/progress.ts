import type { RedisClient } from '../../shared/redis/cluster.ts';
import type { Shard } from '../../shared/lanes/shard.ts';
import { isReady } from '../../shared/redis/ready.ts';

/** What a worker knows of its own progress: facts, not yet judged. Durations are in ms. */
export interface WorkerHealth {
  id: string;
  phase: 'starting' | 'taking' | 'draining' | 'ended';
  /** How long it has been in this phase. */
  phaseMs: number;
  /** Its connection to Redis, and for how long it has been like that. */
  redis: { ready: boolean; sinceMs: number };
  /** Since its periodic task last came to its end; `null` before the first time. */
  sinceTickMs: number | null;
  /** How long the oldest of its open attempts has been under way; 0 if none is open. */
  oldestAttemptMs: number;
  /** How long messages have waited that it had a free place for, without one being taken; 0 if it takes them. */
  starvingMs: number;
  /** Requests at once. */
  concurrency: number;
  /** Messages that it works on now. */
  sending: number;
  timeoutMs: number;
  shutdownMs: number;
}

/** Notes the progress of one worker. */
export interface Progress {
  enter(phase: WorkerHealth['phase']): void;
  watch(redis: RedisClient): void;
  /** A request begins. @returns what is to be called when it has ended */
  began(): () => void;
  /** A message of the shard was taken, or is done with. */
  took(shard: Shard): void;
  ended(shard: Shard): void;
  /** Messages of the shard that are being worked on. */
  openIn(shard: Shard): number;
  /** The periodic task of a shard has come to its end; messages waited there for any worker, or none did. */
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
  /** Since when messages wait in vain; `null` if none does. */
  starvingSince: number | null;
}

/** @param now a clock that never goes back; tests bring one that they can set */
export function createProgress(config: ProgressConfig, now: () => number = () => performance.now()): Progress {
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
      return {
        id,
        phase,
        phaseMs: since(phaseSince),
        redis: { ready: connection !== null && isReady(connection), sinceMs: since(redisSince) },
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
