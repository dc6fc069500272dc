import type { Redis } from 'ioredis';
import { isCluster, nodeOf, type RedisClient } from './cluster.ts';
import { whenReady } from './ready.ts';

const LOOK_MS = 1000;

/**
 * Returns the connections to the nodes that have these keys, each once. Waits for nodes that are away, because a cluster's list of
 * nodes lacks them.
 *
 * @throws if the connection is closed.
 */
export async function nodesWith(redis: RedisClient, keys: readonly string[]): Promise<Redis[]> {
  const nodes = new Set<Redis>();
  for (const key of keys) nodes.add(await nodeWith(redis, key));
  return [...nodes];
}

async function nodeWith(redis: RedisClient, key: string): Promise<Redis> {
  if (!isCluster(redis)) return redis;
  while (redis.status !== 'end') {
    const node = (await whenReady(redis, LOOK_MS, key)) ? nodeOf(redis, key) : undefined;
    if (node && !isCluster(node)) return node;
  }
  throw new Error('Connection is closed.');
}
