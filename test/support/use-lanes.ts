import { beforeEach } from 'vitest';
import { type Lanes, openLanes } from './lanes.ts';
import { type UsedRedis, useRedis } from './use-redis.ts';

/** Lanes of their own for each test, over one Redis. Called at the top of a file or of a `describe`. */
export function useLanes(): UsedRedis & { readonly lanes: Lanes } {
  const used = useRedis();
  let lanes: Lanes;
  beforeEach(async () => {
    lanes = await openLanes(used.redis);
  });
  return Object.defineProperty(used, 'lanes', { get: () => lanes }) as UsedRedis & { readonly lanes: Lanes };
}
