import type { Logger } from 'pino';
import { isCluster, type RedisClient } from '../../shared/redis/cluster.ts';
import { deadlineIn, within } from '../../shared/redis/deadline.ts';
import { silentForMs } from '../../shared/redis/doubt.ts';
import { isReady } from '../../shared/redis/ready.ts';
import { type Repetition, repeat } from './repeat.ts';

const LOOK_MS = 1000;
/** A worker asks Redis something at least once a second. */
const SILENT_MS = 3000;
const ANSWER_MS = 2000;

/**
 * Replaces a worker's connection on which nothing comes back any more, which the system would notice only after a quarter of an hour.
 * A Redis that hangs is told from a connection that was lost by a second connection: if Redis doesn't answer there either, the worker
 * waits, since commands that are repeated cost more than commands that come late. Connections to a cluster have a limit of their own.
 */
export function watchSilence(redis: RedisClient, logger: Logger): Repetition {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  async function look(): Promise<void> {
    if (isCluster(redis) || !isReady(redis)) return;
    const { stream } = redis;
    redis.ping().catch(() => {});
    if (silentForMs(redis, '') < SILENT_MS || !(await answersElsewhere())) return;
    // The answers may have arrived meanwhile, if the process itself stood still.
    if (stream !== redis.stream || silentForMs(redis, '') < SILENT_MS) return;
    logger.warn('the connection to Redis was lost without a word; the worker opens another one');
    stream.destroy();
  }

  async function answersElsewhere(): Promise<boolean> {
    if (isCluster(redis)) return false;
    const other = redis.duplicate({ retryStrategy: () => null, maxRetriesPerRequest: 0, enableReadyCheck: false });
    other.on('error', () => {});
    try {
      const silence = stopped.then(() => Promise.reject(new Error('the worker stops')));
      await within(deadlineIn(ANSWER_MS), Promise.race([other.ping(), silence]));
      return true;
    } catch {
      return false;
    } finally {
      other.disconnect();
    }
  }

  const looking = repeat({
    everyMs: LOOK_MS,
    work: look,
    onError: (error) => logger.warn({ err: error }, 'could not look whether Redis is silent; the worker looks again'),
  });
  return {
    stop() {
      stop();
      looking.stop();
    },
  };
}
