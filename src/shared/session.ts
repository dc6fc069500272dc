import { type Deadline, DeadlineError, within } from './deadline.ts';
import { ConfigError, QueueUnavailableError } from './errors.ts';
import type { LaneRedis } from './lanes/commands.ts';
import { openShard, type Shard } from './queues.ts';
import { connectFailingFast, isReady, lastErrorOf, whenReady } from './redis.ts';
import { agreeOnShards } from './shards.ts';

export interface SessionConfig {
  redisUrl: string;
  namespace: string;
  shards: number;
  enqueueTimeoutMs: number;
}

/** A connection to the queue for callers that must have an answer soon; it opens with the first call. */
export interface Session {
  /**
   * @throws QueueUnavailableError if Redis can't be reached before the deadline.
   * @throws ConfigError if the namespace has another number of shards.
   */
  shard(index: number, deadline: Deadline): Promise<Shard>;
  close(): Promise<void>;
}

/** No shorter silence is taken for a dead connection, however impatient the callers are. */
const MIN_SILENCE_MS = 1000;

export function createSession(config: SessionConfig): Session {
  let connection: LaneRedis | null = null;
  let waiting = 0;
  let closed = false;
  let agreement: Promise<void> | null = null;
  const shards = new Map<number, Promise<Shard>>();

  function connect(): LaneRedis {
    const redis = connectFailingFast(config.redisUrl, Math.max(config.enqueueTimeoutMs, MIN_SILENCE_MS));
    redis.on('close', () => {
      if (redis !== connection) return;
      // Redis may come back without its data: whoever connects settles the number of shards anew.
      agreement = null;
      dropUnlessNeeded(redis);
    });
    return redis;
  }

  /** Trying to reach a Redis that nobody waits for would keep a program alive that has nothing else to do. */
  function dropUnlessNeeded(redis: LaneRedis): void {
    if (waiting === 0 && redis === connection && !isReady(redis)) drop();
  }

  function drop(): void {
    connection?.disconnect();
    connection = null;
    agreement = null;
    shards.clear();
  }

  async function connected(deadline: Deadline): Promise<LaneRedis> {
    if (closed) throw new QueueUnavailableError('The connection to the queue was closed');
    const redis = (connection ??= connect());
    waiting += 1;
    const ready = await whenReady(redis, deadline.leftMs());
    waiting -= 1;
    if (ready) return redis;
    dropUnlessNeeded(redis);
    throw new QueueUnavailableError('Redis could not be reached in time', { cause: lastErrorOf(redis) });
  }

  /** The first to ask does it for all; a failure isn't kept, so the next one tries again. */
  async function agreed(redis: LaneRedis): Promise<void> {
    const agreeing = (agreement ??= agreeOnShards(redis, config.namespace, config.shards));
    try {
      await agreeing;
    } catch (error) {
      if (agreement === agreeing) agreement = null;
      throw error;
    }
  }

  async function opened(redis: LaneRedis, index: number): Promise<Shard> {
    await agreed(redis);
    const opening = shards.get(index) ?? openShard(redis, config.namespace, index);
    shards.set(index, opening);
    try {
      return await opening;
    } catch (error) {
      if (shards.get(index) === opening) shards.delete(index);
      throw error;
    }
  }

  return {
    async shard(index, deadline) {
      for (;;) {
        const redis = await connected(deadline);
        try {
          return await within(deadline, opened(redis, index));
        } catch (error) {
          if (error instanceof ConfigError) throw error;
          // A connection that was lost meanwhile is waited for again, as long as there is time.
          if (error instanceof DeadlineError || isReady(redis)) {
            throw new QueueUnavailableError('Redis did not answer in time, or refused', { cause: error });
          }
        }
      }
    },
    async close() {
      closed = true;
      drop();
    },
  };
}
