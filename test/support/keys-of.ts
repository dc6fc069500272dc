import { mastersOf, type RedisClient } from '../../src/shared/redis/cluster.ts';

/** All keys that match, whichever node has them. */
export async function keysOf(redis: RedisClient, pattern: string): Promise<string[]> {
  return (await Promise.all(mastersOf(redis).map((node) => node.keys(pattern)))).flat();
}
