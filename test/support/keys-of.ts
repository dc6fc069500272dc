import { mastersOf, type RedisClient } from '../../src/shared/redis/cluster.ts';

/** All keys that match, on all nodes. */
export async function keysOf(redis: RedisClient, pattern: string): Promise<string[]> {
  return (await Promise.all(mastersOf(redis).map((node) => node.keys(pattern)))).flat();
}
