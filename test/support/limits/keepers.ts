import { shardRoot } from '../../../src/shared/lanes/key-names.ts';
import type { LaneRedis } from '../../../src/shared/lanes/commands.ts';
import { createLimitKeeper, type LimitKeeper } from '../../../src/worker/limits/limit-keeper.ts';
import { readableLogger } from '../../unit/worker/log-lines.ts';

export interface KeeperOfTest extends LimitKeeper {
  /** The lines of the keeper's log. */
  lines: string[];
}

export interface KeeperOptions {
  rate?: string;
  pageRate?: string;
  shards?: number;
}

export function shardRoots(namespace: string, shards: number): { root: string }[] {
  return Array.from({ length: shards }, (_, index) => ({ root: shardRoot(namespace, index) }));
}

/** The part of a worker that concerns limits. */
export function createKeeper(
  redis: LaneRedis,
  namespace: string,
  workerId: string,
  { rate, pageRate, shards = 1 }: KeeperOptions = {},
): KeeperOfTest {
  const { logger, lines } = readableLogger();
  const keeper = createLimitKeeper({
    redis,
    namespace,
    shards: shardRoots(namespace, shards),
    workerId,
    rateLimit: rate,
    pageRateLimit: pageRate,
    logger,
  });
  return { ...keeper, lines };
}
