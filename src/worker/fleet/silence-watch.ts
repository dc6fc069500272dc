import type { Redis } from 'ioredis';
import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import { isInternalError } from '../../shared/errors/failed-calls.ts';
import { describeSafely } from '../../shared/errors/safe-cause.ts';
import { isCluster, type RedisClient } from '../../shared/redis/cluster.ts';
import { deadlineIn, within } from '../../shared/redis/deadline.ts';
import { silentForMs } from '../../shared/redis/doubt.ts';
import { isReady } from '../../shared/redis/ready.ts';
import { type Repetition, repeat } from './repeat.ts';

const LOOK_MS = 1000;
/** A worker asks then whether the connection still works. Even an idle worker asks Redis something every few seconds. */
const SILENT_MS = 5000;
const ANSWER_MS = 1000;

/**
 * Replaces a worker's connection on which nothing comes back any more, which the system would notice only after a quarter of an hour.
 * A Redis that hangs is told from a connection that was lost by a second connection: if Redis doesn't answer there either, the worker
 * waits, since commands that are repeated cost more than commands that come late; the connection then emits an error with the code
 * `SILENT`. Connections to a cluster have a limit of their own.
 */
export function watchSilence(redis: RedisClient, logger: WorkerLogger): Repetition {
  async function look(): Promise<void> {
    if (isCluster(redis) || !isSilent(redis)) return;
    const { stream } = redis;
    // A command would wait until the connection is ready.
    if (isReady(redis) && (await answers(redis))) return;
    const isLost = await answersElsewhere(redis);
    // The answer may have arrived meanwhile, if the process itself stood still.
    if (stream !== redis.stream || !isSilent(redis)) return;
    if (!isLost) {
      redis.emit('error', Object.assign(new Error('Redis does not answer'), { code: 'SILENT' }));
      return;
    }
    logger.warn({}, 'the connection to Redis was lost without a word; the worker opens another one');
    stream.destroy();
  }

  return repeat({
    everyMs: LOOK_MS,
    work: look,
    onError: (error) => logger.warn({ err: error }, 'could not look whether Redis is silent; the worker looks again'),
  });
}

/** Whether nothing has come back for a while on a connection that is open, also if it never became ready. */
export function isSilent(redis: Redis): boolean {
  return (redis.status === 'connect' || isReady(redis)) && silentForMs(redis, '') >= SILENT_MS;
}

/** Whether Redis answers on a new connection. */
async function answersElsewhere(redis: Redis): Promise<boolean> {
  const other = redis.duplicate({ retryStrategy: () => null, maxRetriesPerRequest: 0, enableReadyCheck: false });
  other.on('error', () => {});
  try {
    return await answers(other);
  } finally {
    other.disconnect();
  }
}

async function answers(redis: Redis): Promise<boolean> {
  try {
    await within(deadlineIn(ANSWER_MS), redis.ping());
    return true;
  } catch (error) {
    if (isInternalError(error)) throw error;
    // A refusal is an answer, too.
    return describeSafely(error).name === 'ReplyError';
  }
}
