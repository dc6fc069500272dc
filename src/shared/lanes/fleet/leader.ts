import { absentKey } from '../keys.ts';
import type { Shard } from '../shard.ts';

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
 * What a dead worker was sending keeps its places until its locks have ended. So long its concurrency counts
 * for the fleet, or those who live could not use theirs.
 */
const WORKER_MEMORY_MS = 30_000;
/** How long a shard goes without its leader at most, and a beat more, when that one dies. */
export const LEASE_MS = 4000;
/** Delivered messages of a shard that stay known. */
export const MAX_KEPT_DONE = 1000;

/** What a worker is told of its shard. */
export interface Beat {
  leads: boolean;
  /** Messages may leave, and nobody takes them. */
  isStarving: boolean;
}

/** Notes a worker in a shard, or takes it out with `null`. */
export async function beatIn(
  shard: Shard,
  { workerId, record, window }: { workerId: string; record: WorkerRecord | null; window: number },
): Promise<Beat> {
  const json = record ? JSON.stringify(record) : '';
  const keys = [workersKey(shard), absentKey(shard)] as const;
  const reply = await shard.redis.laneBeat(...keys, shard.root, workerId, json, WORKER_MEMORY_MS, window, LEASE_MS);
  const [leads, isStarving] = reply as ['0' | '1', '0' | '1'];
  return { leads: leads === '1', isStarving: isStarving === '1' };
}

/**
 * What the leader does: brings back what is due, wakes a worker where nobody looks, takes away what was delivered long ago.
 *
 * @returns `null` if another worker leads, otherwise in how many ms the next scheduled message is due; Infinity for none.
 */
export async function tickIn(
  shard: Shard,
  { workerId, keepDoneMs, lockMs }: { workerId: string; keepDoneMs: number; lockMs: number },
): Promise<number | null> {
  const keys = [`${shard.root}fleet`, absentKey(shard)] as const;
  const reply = await shard.redis.laneTick(...keys, shard.root, workerId, LEASE_MS, keepDoneMs, MAX_KEPT_DONE, lockMs);
  const [nextMs] = reply as [string?];
  if (nextMs === undefined) return null;
  return nextMs === '' ? Infinity : Number(nextMs);
}

export function workersKey({ root }: Pick<Shard, 'root'>): string {
  return `${root}workers`;
}
