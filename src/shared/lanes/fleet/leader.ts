import { absentKey } from '../key-names.ts';
import type { Shard } from '../shard.ts';

/** What a worker process reports about itself. */
export interface WorkerRecord {
  version: string;
  /** ISO time at which it started. */
  since: string;
  /** The most requests at once in this shard. */
  concurrency: number;
  /** Number of requests open now in this shard. */
  sending: number;
}

/** A worker that was silent for this long is presumed dead. */
export const WORKER_SILENCE_MS = 10_000;
/**
 * How long a silent worker's concurrency still counts for the fleet. What a dead worker was sending occupies places until its locks have
 * ended; without its concurrency, living workers could not use all of their places.
 */
const WORKER_MEMORY_MS = 30_000;
/** The duration of a shard leader's lease. When the leader dies, the shard is without one for at most this time and one beat. */
export const LEASE_MS = 4000;
/** The most delivered messages that a shard keeps. */
export const MAX_KEPT_DONE = 1000;

/** A shard's answer to a worker's beat. */
export interface Beat {
  leads: boolean;
  /** Whether messages may leave but no worker takes them. */
  isStarving: boolean;
}

/** Notes a worker in a shard; a `record` of `null` removes it. */
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
 * Does the leader's work: brings back what is due, wakes a worker if none looks, removes messages that were delivered long ago.
 *
 * @returns `null` if another worker leads, otherwise the ms until the next scheduled message is due; Infinity for none.
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
