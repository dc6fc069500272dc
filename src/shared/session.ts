import { type Deadline, within } from './deadline.ts';
import { ConfigError, QueueUnavailableError } from './errors.ts';
import type { LaneRedis } from './lanes/commands.ts';
import { openShard, type Shard } from './queues.ts';
import { connectFailingFast, whenReady } from './redis.ts';
import { agreeOnShards } from './shards.ts';

export interface SessionConfig {
  redisUrl: string;
  namespace: string;
  shards: number;
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

export function createSession(config: SessionConfig): Session {
  let redis: LaneRedis | null = null;
  let closed = false;
  let agreement: Promise<void> | null = null;
  const shards = new Map<number, Promise<Shard>>();

  const open = async (connection: LaneRedis, index: number): Promise<Shard> => {
    await (agreement ??= agreeOnShards(connection, config.namespace, config.shards).catch((error: unknown) => {
      agreement = null;
      throw error;
    }));
    return await openShard(connection, config.namespace, index);
  };

  return {
    async shard(index, deadline) {
      if (closed) throw new QueueUnavailableError('The connection to the queue was closed');
      redis ??= connectFailingFast(config.redisUrl);
      if (!(await whenReady(redis, deadline.leftMs())))
        throw new QueueUnavailableError('Redis could not be reached in time');
      const known = shards.get(index);
      const opening = known ?? open(redis, index);
      if (!known) {
        shards.set(index, opening);
        // A failure isn't kept: the next call tries again.
        opening.catch(() => shards.delete(index));
      }
      try {
        return await within(deadline, opening);
      } catch (error) {
        if (error instanceof ConfigError) throw error;
        throw new QueueUnavailableError('Redis did not answer in time, or refused', { cause: error });
      }
    },
    async close() {
      closed = true;
      const opened = await Promise.allSettled(shards.values());
      await Promise.allSettled(
        opened.flatMap((shard) =>
          shard.status === 'fulfilled' ? [shard.value.send.close(), shard.value.dead.close()] : [],
        ),
      );
      redis?.disconnect();
    },
  };
}
