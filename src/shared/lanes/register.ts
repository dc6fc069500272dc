import { absentKey } from '../keys.ts';
import type { RateLimit } from '../rate-limit.ts';
import type { Shard } from '../queues.ts';

/** What a worker process tells about itself. */
export interface WorkerRecord {
  version: string;
  /** ISO time at which it began. */
  since: string;
  /** Requests at once, in this shard. */
  concurrency: number;
  /** Requests open now, in this shard. */
  sending: number;
}

/** A worker that was silent for this long is taken for dead. */
export const WORKER_SILENCE_MS = 10_000;
/**
 * What a dead worker was sending keeps its places in the windows until its locks have ended. So long its concurrency counts
 * for the fleet, or those who live could not use theirs.
 */
export const WORKER_MEMORY_MS = 30_000;

/** What all workers of the fleet keep to in a shard. */
export interface FleetRules {
  /** The operator's fixed page window, 0 for a fair share. */
  window: number;
  pageLimit: RateLimit | null;
  limit: RateLimit | null;
}

/** Notes a worker in a shard, or takes it out with `null`, and tells the shard the rules. */
export async function registerWorker(
  shard: Shard,
  workerId: string,
  record: WorkerRecord | null,
  { window, pageLimit, limit }: FleetRules,
): Promise<void> {
  await shard.redis.laneRegister(
    workersKey(shard),
    absentKey(shard),
    shard.root,
    workerId,
    record ? JSON.stringify(record) : '',
    WORKER_MEMORY_MS,
    window,
    pageLimit?.intervalMs ?? '',
    pageLimit?.burst ?? '',
    limit?.intervalMs ?? '',
    limit?.burst ?? '',
  );
}

export function workersKey(shard: Shard): string {
  return `${shard.root}workers`;
}
