import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';

/** Saves the state of a Redis now. @returns what starts this Redis again in that state, as an operator does with a backup */
export async function backUp(server: RedisServer, redis: { save(): Promise<unknown> }): Promise<() => Promise<void>> {
  const dump = join(server.dir ?? '', 'dump.rdb');
  await redis.save();
  await copyFile(dump, `${dump}.backup`);
  return async () => {
    await server.kill();
    await copyFile(`${dump}.backup`, dump);
    await server.restart();
  };
}
