import { nodeOf, type RedisClient } from './cluster.ts';

/** The answer of TIME in ms. */
export function redisTimeMs([seconds, microseconds]: readonly (number | string)[]): number {
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}

/** What time it is for the scripts that touch a key: the nodes of a cluster have clocks of their own. */
export async function readTimeMs(redis: RedisClient, key: string): Promise<number> {
  return redisTimeMs(await (nodeOf(redis, key) ?? redis).time());
}
