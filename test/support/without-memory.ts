import type { LaneRedis } from '../../src/shared/lanes/commands.ts';

/** Redis has no memory left while something is done. */
export async function withoutMemory<T>(redis: LaneRedis, act: () => Promise<T>): Promise<T> {
  await redis.config('SET', 'maxmemory', '1');
  try {
    return await act();
  } finally {
    await redis.config('SET', 'maxmemory', '0');
  }
}
