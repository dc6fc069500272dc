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

/** Notes a worker in a shard, or takes it out with `null`. `window` is the operator's fixed page window, 0 for none. */
export async function registerWorker(
  shard: Shard,
  workerId: string,
  record: WorkerRecord | null,
  window: number,
): Promise<void> {
  const json = record ? JSON.stringify(record) : '';
  await shard.redis.laneRegister(workersKey(shard), shard.root, workerId, json, WORKER_SILENCE_MS, window);
}

export function workersKey(shard: Shard): string {
  return `${shard.root}workers`;
}
