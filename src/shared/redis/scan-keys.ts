import type { RedisClient } from './cluster.ts';
import { nodesWith } from './nodes-with.ts';

const KEYS_AT_ONCE = 1000;

/**
 * Yields all keys that match a glob, in batches.
 *
 * @param roots the roots of the shards whose nodes are searched
 */
export async function* scanKeys(
  redis: RedisClient,
  pattern: string,
  roots: readonly string[],
): AsyncGenerator<string[]> {
  for (const node of await nodesWith(redis, roots)) {
    let cursor = '0';
    do {
      const [next, keys] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', KEYS_AT_ONCE);
      if (keys.length > 0) yield keys;
      cursor = next;
    } while (cursor !== '0');
  }
}
