import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';

/** Writes the state of a Redis into a file now. */
export async function backUp(server: Pick<RedisServer, 'url' | 'dir'>): Promise<void> {
  const redis = new Redis(server.url);
  await redis.save();
  redis.disconnect();
  await copyFile(dumpOf(server), `${dumpOf(server)}.backup`);
}

/** Starts a Redis again with the state of its backup, as an operator does after a loss. */
export async function restore(server: RedisServer): Promise<void> {
  await server.kill();
  await copyFile(`${dumpOf(server)}.backup`, dumpOf(server));
  await server.restart();
}

function dumpOf({ dir }: Pick<RedisServer, 'dir'>): string {
  return join(dir ?? '', 'dump.rdb');
}
