import { randomBytes } from 'node:crypto';
import { absentKey } from '../key-names.ts';
import type { Shard } from '../shard.ts';
import type { Notice, Position, SeenMarks } from '../lib/timeline.ts';

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

/** A shard's answer to a worker's beat. */
export interface Beat {
  leads: boolean;
  /** Whether messages may leave but no worker takes them. */
  isStarving: boolean;
  /** Where the shard is now. */
  position: Position;
  /** What the comparison with the worker's memory has shown; `null` for nothing unusual. */
  notice: Notice | null;
}

export interface BeatRequest {
  workerId: string;
  /** `null` removes the worker. */
  record: WorkerRecord | null;
  /** The operator's fixed page window, 0 for a fair share. */
  window: number;
  /** What the worker remembers; without it, nothing is compared. */
  memory?: { marks: SeenMarks; holdsSuspected: boolean };
}

/** Notes a worker in a shard, and compares the shard's state with what the worker remembers. */
export async function beatIn(shard: Shard, { workerId, record, window, memory }: BeatRequest): Promise<Beat> {
  const reply = await shard.redis.laneBeat(
    workersKey(shard),
    absentKey(shard),
    shard.root,
    workerId,
    record ? JSON.stringify(record) : '',
    WORKER_MEMORY_MS,
    window,
    LEASE_MS,
    memory ? JSON.stringify(memory.marks) : '',
    memory?.holdsSuspected ? 1 : 0,
    randomBytes(6).toString('base64url'),
  );
  const [leads, isStarving, timeline, mark, at, notice] = reply as [string, string, string, number, number, string];
  return {
    leads: leads === '1',
    isStarving: isStarving === '1',
    position: { timeline, mark, at },
    notice: notice === '' ? null : (JSON.parse(notice) as Notice),
  };
}

export interface TickRequest {
  workerId: string;
  keepDoneMs: number;
  /** The most events that the shard keeps for their readers. */
  keepEvents: number;
  /** The most delivered and cancelled messages that the shard keeps. */
  keepDone: number;
  lockMs: number;
  /** The timeline and mark of the shard where the leader last saw it; '' for any state. */
  position?: string;
}

/** What a leader's tick tells. */
export interface Tick {
  /** The time until the next scheduled message is due, in ms; Infinity for none. */
  nextMs: number;
  /** Where the shard is now. */
  position: Position;
}

/**
 * Does the leader's work: brings back what is due, wakes a worker if none looks, removes messages that were delivered long ago.
 *
 * @returns `resigned` if another worker leads; `elsewhere`, without a change, if the shard is not where the leader last saw it.
 */
export async function tickIn(
  shard: Shard,
  { workerId, keepDoneMs, keepDone, keepEvents, lockMs, position = '' }: TickRequest,
): Promise<Tick | 'resigned' | 'elsewhere'> {
  const keys = [`${shard.root}fleet`, absentKey(shard)] as const;
  const times = [LEASE_MS, keepDoneMs, keepDone, lockMs];
  const reply = await shard.redis.laneTick(...keys, shard.root, workerId, ...times, position, keepEvents);
  if (reply === 'elsewhere' || reply === 'resigned') return reply;
  const [nextMs, timeline, mark, at] = reply as [string, string, number, number];
  return { nextMs: nextMs === '' ? Infinity : Number(nextMs), position: { timeline, mark, at } };
}

export function workersKey({ root }: Pick<Shard, 'root'>): string {
  return `${root}workers`;
}
