import { nodeOf, type RedisClient } from './cluster.ts';

/** Returns the answer of TIME in ms. */
export function redisTimeMs([seconds, microseconds]: readonly (number | string)[]): number {
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}

/** Returns the time on the node that has a key, as its scripts see it: each node of a cluster has its own clock. */
export async function readTimeMs(redis: RedisClient, key: string): Promise<number> {
  return redisTimeMs(await (nodeOf(redis, key) ?? redis).time());
}
