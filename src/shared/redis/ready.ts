import type { Cluster, Redis } from 'ioredis';
import { ConfigError } from '../errors/errors.ts';
import { isCluster, isConnected, isNodeReady, type RedisClient, whenNodeReady } from './cluster.ts';
import { infoField } from './info.ts';

/** Returns the error of the last node of a cluster, which says more than the cluster's own error that no node could be reached. */
function lastNodeErrorOf(error: Error): Error {
  const { lastNodeError } = error as { lastNodeError?: unknown };
  return lastNodeError instanceof Error ? lastNodeError : error;
}

const lastErrors = new WeakMap<RedisClient, Error>();

/** Starts to keep the last error of a connection, until the connection is ready. */
export function noteErrors(redis: RedisClient): void {
  let wasReady = false;
  redis.on('error', (error: Error) => {
    if (!wasReady) nameReset(redis, error);
    // ioredis tells this only in a text, in which it also asks for a report.
    if (error.message.startsWith('Unknown RESP type')) Object.assign(error, { code: 'NOT_REDIS' });
    lastErrors.set(redis, lastNodeErrorOf(error));
  });
  redis.on('ready', () => {
    wasReady = true;
    lastErrors.delete(redis);
  });
}

/** Gives the error of a server without TLS in its URL that ended the connection before it said anything, as one with TLS does, a code. */
function nameReset(redis: RedisClient, error: Error): void {
  const isReset = (error as NodeJS.ErrnoException).code === 'ECONNRESET';
  if (isReset && !isCluster(redis) && redis.options.tls === undefined) Object.assign(error, { code: 'RESET_AT_ONCE' });
}

/** Emits an error while Redis loads its data, for which ioredis waits without a word. */
export function noteLoading(redis: Redis): void {
  redis.on('connect', () => {
    redis.info('persistence').then(
      (info) => {
        if (infoField(info, 'loading') !== '1') return;
        redis.emit('error', Object.assign(new Error('LOADING Redis is loading its data'), { name: 'ReplyError' }));
      },
      () => {},
    );
  });
}

export function noteNodeErrors(cluster: Cluster): void {
  cluster.on('node error', (error: Error) => lastErrors.set(cluster, error));
}

/** Returns the last error of a connection that isn't ready. */
export function lastErrorOf(redis: RedisClient): Error | undefined {
  return lastErrors.get(redis);
}

/**
 * Whether a command can leave now.
 *
 * @param key a key of the command, such as the root of a shard: in a cluster, the node that has the key must be ready
 */
export function isReady(redis: RedisClient, key?: string): boolean {
  if (!isCluster(redis)) return isConnected(redis);
  return redis.status === 'ready' && (key === undefined || isNodeReady(redis, key));
}

const becomingReady = new WeakMap<RedisClient, Promise<boolean>>();

/**
 * Waits until the connection can take commands.
 *
 * @param key as for `isReady`
 * @returns `false` if the connection isn't ready within `timeoutMs`, was closed, or leads to what can't be used (a `ConfigError`).
 */
export async function whenReady(redis: RedisClient, timeoutMs: number, key?: string): Promise<boolean> {
  const startedAt = performance.now();
  if (!(await whenConnected(redis, timeoutMs))) return false;
  if (key === undefined || !isCluster(redis)) return true;
  return await whenNodeReady(redis, key, timeoutMs - (performance.now() - startedAt));
}

async function whenConnected(redis: RedisClient, timeoutMs: number): Promise<boolean> {
  if (isReady(redis)) return true;
  if (redis.status === 'end' || timeoutMs <= 0) return false;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([nextReady(redis), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits with one pair of listeners for all calls. */
function nextReady(redis: RedisClient): Promise<boolean> {
  const known = becomingReady.get(redis);
  if (known) return known;
  const waiting = new Promise<boolean>((resolve) => {
    const settle = (ready: boolean): void => {
      redis.off('ready', onReady);
      redis.off('end', onEnd);
      redis.off('error', onError);
      becomingReady.delete(redis);
      resolve(ready);
    };
    const onReady = (): void => settle(true);
    const onEnd = (): void => settle(false);
    const onError = (error: Error): void => {
      if (error instanceof ConfigError) settle(false);
    };
    redis.on('ready', onReady);
    redis.on('end', onEnd);
    redis.on('error', onError);
  });
  becomingReady.set(redis, waiting);
  return waiting;
}
