import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { whenReady } from '../shared/redis.ts';

const ASK_AGAIN_MS = 1000;

/** Says once when Redis goes away, and once when it is back. */
export function watchRedis(redis: Redis, logger: Logger, stopping: AbortSignal): void {
  let away = false;
  const noteOutage = (error?: Error): void => {
    if (away || stopping.aborted) return;
    away = true;
    logger.warn({ err: error }, 'Redis is away or refuses the connection; waiting for it');
  };
  redis.on('error', noteOutage);
  redis.on('close', () => noteOutage());
  redis.on('ready', () => {
    if (away) logger.info('Redis is back');
    away = false;
  });
}

/** Waits for Redis as long as it takes. @returns `false` if the worker was stopped meanwhile. */
export async function untilReady(redis: Redis, stopping: AbortSignal): Promise<boolean> {
  while (!stopping.aborted) if (await whenReady(redis, ASK_AGAIN_MS)) return true;
  return false;
}
