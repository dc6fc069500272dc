import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { mastersOf, type RedisClient } from '../shared/redis-cluster.ts';

/** Warns of a Redis that may lose what it was given. `INFO` is enough: `CONFIG` is often denied. */
export async function warnIfNotDurable(redis: RedisClient, logger: Logger): Promise<void> {
  // A node of a cluster may be away just now; what others have is told all the same.
  const asked = await Promise.allSettled(mastersOf(redis).map(readSettings));
  const nodes = asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  if (nodes.some(({ hasAof }) => !hasAof)) {
    logger.warn('Redis has no AOF: a crash of Redis loses messages. Set "appendonly yes".');
  }
  const policy = nodes.find((node) => node.policy !== undefined && node.policy !== 'noeviction')?.policy;
  if (policy !== undefined) {
    logger.warn({ policy }, 'Redis may evict messages when memory runs out. Set "maxmemory-policy noeviction".');
  }
}

async function readSettings(node: Redis): Promise<{ hasAof: boolean; policy: string | undefined }> {
  const info = `${await node.info('persistence')}\n${await node.info('memory')}`;
  const setting = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  return { hasAof: setting('aof_enabled') !== '0', policy: setting('maxmemory_policy') };
}
