import type { LaneRedis } from '../../src/shared/lanes/commands.ts';

/** Runs an action while Redis has no memory left. */
export async function withoutMemory<T>(redis: LaneRedis, act: () => Promise<T>): Promise<T> {
  await redis.config('SET', 'maxmemory', '1');
  try {
    return await act();
  } finally {
    await redis.config('SET', 'maxmemory', '0');
  }
}
