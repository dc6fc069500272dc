import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import { isCluster, mastersOf, type RedisClient } from '../../shared/redis/cluster.ts';
import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import { ConfigError } from '../../shared/errors/errors.ts';
import { isInternalError } from '../../shared/errors/failed-calls.ts';
import { adviceOn, isRefusal } from '../../shared/errors/redis-advice.ts';
import { infoField } from '../../shared/redis/info.ts';
import { isReady, lastErrorOf, whenReady } from '../../shared/redis/ready.ts';
import { lateRefusalOf } from '../../shared/redis/refusals.ts';
import { isSilent } from './silence-watch.ts';

const ASK_AGAIN_MS = 1000;
const LOOK_AGAIN_MS = 500;

const AWAY = 'Redis is away or refuses the connection';
const FAULT = 'internal error on the connection to Redis, please report it';

/**
 * Logs when Redis goes away or refuses writes, when the reason that needs somebody's hand changes, and when Redis is back; for a
 * cluster also for each node.
 */
export function watchRedis(redis: RedisClient, logger: WorkerLogger, stopping: AbortSignal): void {
  if (isCluster(redis)) watchNodes(redis, logger, stopping);
  /** What was logged in this outage. */
  const told = new Set<string>();
  let wasReady = false;
  /** Whether the start of the worker fails, and says why. */
  const cantStart = (): boolean => !wasReady && lastErrorOf(redis) instanceof ConfigError;
  const noteOutage = (error?: Error): void => {
    const trouble = troubleOf(error);
    if (stopping.aborted || cantStart() || told.has(trouble) || (told.size > 0 && trouble === AWAY)) return;
    told.add(trouble);
    logger.warn({ err: error }, `${trouble}; the worker waits for it`);
    // If only BullMQ's blocking connection was refused, this one doesn't become ready again.
    noteReturn();
  };
  let looking: NodeJS.Timeout | undefined;
  const noteReturn = (): void => {
    clearTimeout(looking);
    if (told.size === 0 || stopping.aborted || !isReady(redis)) return;
    // The connection to a Redis that refuses writes or hangs may stay ready, so only the end of that shows that Redis is back.
    if (lateRefusalOf(redis) || (!isCluster(redis) && isSilent(redis))) {
      looking = setTimeout(noteReturn, LOOK_AGAIN_MS).unref();
      return;
    }
    told.clear();
    logger.info({}, 'Redis is back');
  };
  redis.on('error', noteOutage);
  redis.on('close', () => noteOutage());
  redis.on('ready', () => {
    wasReady = true;
    noteReturn();
  });
  // ioredis gives a connection up for good if an attempt fails before it has a socket.
  redis.on('end', () => {
    setTimeout(() => {
      if (!stopping.aborted && redis.status === 'end') redis.connect().catch(() => {});
    }, ASK_AGAIN_MS).unref();
  });
}

function troubleOf(error: Error | undefined): string {
  const advice = error instanceof ConfigError ? error.problems.join('; ') : adviceOn(error);
  if (advice === undefined) return error !== undefined && isInternalError(error) ? FAULT : AWAY;
  return isRefusal(error) ? `Redis takes no writes now: ${advice}` : `${AWAY}: ${advice}`;
}

/** Logs when nodes go away and come back. The messages of a node that is away wait for it or for its replacement; the others go on. */
function watchNodes(cluster: Cluster, logger: WorkerLogger, stopping: AbortSignal): void {
  const away = new Set<string>();
  cluster.on('node error', (error: Error, node: string) => {
    if (away.has(node) || stopping.aborted) return;
    away.add(node);
    logger.warn({ err: error, node }, 'a node of the Redis Cluster is away or refuses the connection');
  });
  cluster.on('+node', (redis: Redis) => {
    redis.on('ready', () => {
      const node = `${redis.options.host}:${redis.options.port}`;
      if (away.delete(node)) logger.info({ node }, 'a node of the Redis Cluster is back');
    });
  });
}

/**
 * Waits for Redis without a time limit.
 *
 * @returns `false` if the worker was stopped meanwhile.
 * @throws ConfigError if Redis refuses the database, or if the URL leads to what can never hold the queue, such as a Sentinel.
 */
export async function untilReady(redis: RedisClient, stopping: AbortSignal): Promise<boolean> {
  while (!stopping.aborted) {
    if (await whenReady(redis, ASK_AGAIN_MS)) return true;
    const error = lastErrorOf(redis);
    if (error instanceof ConfigError) throw error;
    if (redis.status === 'end') await delay(ASK_AGAIN_MS, undefined, { signal: stopping }).catch(() => {});
  }
  return false;
}

/** Warns if Redis may lose messages. It reads `INFO`, because `CONFIG` is often forbidden. */
export async function warnIfNotDurable(redis: RedisClient, logger: WorkerLogger): Promise<void> {
  // A node of a cluster may be away just now; the others are checked all the same.
  const asked = await Promise.allSettled(mastersOf(redis).map(readSettings));
  const nodes = asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  if (nodes.some(({ hasAof }) => !hasAof)) {
    logger.warn({}, 'Redis has no AOF: a crash of Redis loses messages. Set "appendonly yes".');
  }
  const policy = nodes.find((node) => node.policy !== undefined && node.policy !== 'noeviction')?.policy;
  if (policy !== undefined) {
    logger.warn({ policy }, 'Redis may evict messages when memory runs out. Set "maxmemory-policy noeviction".');
  }
}

async function readSettings(node: Redis): Promise<{ hasAof: boolean; policy: string | undefined }> {
  const info = `${await node.info('persistence')}\n${await node.info('memory')}`;
  return { hasAof: infoField(info, 'aof_enabled') !== '0', policy: infoField(info, 'maxmemory_policy') };
}
