import { ConfigError } from './errors.ts';
import { shardsKey } from './keys.ts';
import type { LaneRedis } from './lanes/commands.ts';

/**
 * Settles how many shards a namespace has: the first process that asks decides. Another number would look for pages
 * where their messages are not.
 *
 * @throws ConfigError if the namespace has another number of shards.
 */
export async function agreeOnShards(redis: LaneRedis, namespace: string, shards: number): Promise<void> {
  const key = shardsKey(namespace);
  await redis.set(key, shards, 'NX');
  const stored = await redis.get(key);
  if (stored !== String(shards)) {
    throw new ConfigError([
      `KITECHAT_SHARDS is ${shards}, but the namespace "${namespace}" was set up with ${stored}: set it to ${stored}, or use another KITECHAT_NAMESPACE`,
    ]);
  }
}
