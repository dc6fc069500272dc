import { isCluster, nodeOf, type RedisClient } from './cluster.ts';
import { infoField } from './info.ts';

/** Looks at most once a second at how much of its memory limit a Redis uses. */
export interface MemoryLook {
  /**
   * Returns the part of `maxmemory` that is in use; 0 if there is no limit, or if Redis doesn't tell. Only a caller that must not store
   * anything as far as it is known, and the first one, waits for a fresh look.
   *
   * @param fullAt the part from which on the caller stores nothing
   */
  usedPart(fullAt: number): number | Promise<number>;
}

const FRESH_MS = 1000;

/** @param key a key of the node to look at, such as the root of a shard */
export function createMemoryLook(redis: RedisClient, key: string): MemoryLook {
  let usedPart = Infinity;
  let lookedAt = -Infinity;
  let looking: Promise<number> | null = null;

  async function look(): Promise<number> {
    usedPart = await readUsedPart(redis, key);
    lookedAt = performance.now();
    looking = null;
    return usedPart;
  }

  return {
    usedPart(fullAt) {
      // Redis itself refuses from there on.
      if (fullAt >= 1) return 0;
      if (performance.now() - lookedAt < FRESH_MS) return usedPart;
      looking ??= look();
      return usedPart < fullAt ? usedPart : looking;
    },
  };
}

async function readUsedPart(redis: RedisClient, key: string): Promise<number> {
  const node = nodeOf(redis, key);
  if (node === undefined || isCluster(node)) return 0;
  try {
    return usedPartIn(await node.info('memory'));
  } catch {
    // Without an answer the message must leave all the same; a full Redis refuses it.
    return 0;
  }
}

/** Returns the used part of `maxmemory` from the answer to INFO; 0 if there is no limit, or if Redis makes room by evicting keys. */
export function usedPartIn(info: string): number {
  const limit = Number(infoField(info, 'maxmemory') ?? 0);
  if (!(limit > 0) || infoField(info, 'maxmemory_policy') !== 'noeviction') return 0;
  const notCounted = Number(infoField(info, 'mem_not_counted_for_evict') ?? 0);
  return (Number(infoField(info, 'used_memory') ?? 0) - notCounted) / limit;
}
