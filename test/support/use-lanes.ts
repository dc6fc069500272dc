import { beforeEach } from 'vitest';
import { type Lanes, openLanes } from './lanes.ts';
import { type UsedRedis, useRedis } from './use-redis.ts';

/** Separate lanes for each test, in one Redis. Called at the top of a file or of a `describe`. */
export function useLanes(used: Pick<UsedRedis, 'redis'> = useRedis()): Lanes {
  const lanes = {} as Lanes;
  beforeEach(async () => void Object.assign(lanes, await openLanes(used.redis)));
  return lanes;
}
