import type { Redis } from 'ioredis';
import type { Logger } from 'pino';

/** Warns of a Redis that may lose what it was given. `INFO` is enough: `CONFIG` is often denied. */
export async function warnIfNotDurable(redis: Redis, logger: Logger): Promise<void> {
  const info = `${await redis.info('persistence')}\n${await redis.info('memory')}`;
  const setting = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  if (setting('aof_enabled') === '0') {
    logger.warn('Redis has no AOF: a crash of Redis loses messages. Set "appendonly yes".');
  }
  const policy = setting('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    logger.warn({ policy }, 'Redis may evict messages when memory runs out. Set "maxmemory-policy noeviction".');
  }
}
