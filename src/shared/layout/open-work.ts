import { DEAD_QUEUE, SEND_QUEUE, shardRoots } from '../lanes/key-names.ts';
import { readGroups } from '../lanes/stream/groups.ts';
import type { LaneRedis } from '../lanes/commands.ts';
import { WORKER_SILENCE_MS, type WorkerRecord } from '../lanes/fleet/leader.ts';
import { readTimeMs } from '../redis/time.ts';

/** The open work of a namespace, in any layout: all layouts use BullMQ's queues. */
export interface OpenWork {
  /** Ids of the living workers. */
  workers: string[];
  openMessages: number;
  deadLetters: number;
  /** Events that a group has not acknowledged. */
  unreadEvents: number;
  /** The groups that have not acknowledged them. */
  groups: string[];
}

export async function readOpenWork(redis: LaneRedis, namespace: string, shards: number): Promise<OpenWork> {
  const roots = shardRoots(namespace, shards);
  const found = await Promise.all(roots.map((root, index) => readOfShard(redis, root, index)));
  return {
    workers: [...new Set(found.flatMap(({ workers }) => workers))].toSorted(),
    openMessages: found.reduce((total, { openMessages }) => total + openMessages, 0),
    deadLetters: found.reduce((total, { deadLetters }) => total + deadLetters, 0),
    unreadEvents: found.reduce((total, { unreadEvents }) => total + unreadEvents, 0),
    groups: [...new Set(found.flatMap(({ groups }) => groups))].toSorted(),
  };
}

async function readOfShard(redis: LaneRedis, root: string, index: number): Promise<OpenWork> {
  const send = `${root}${SEND_QUEUE}:`;
  const [nowMs, workers, deadLetters, ...messages] = await Promise.all([
    readTimeMs(redis, root),
    redis.hgetall(`${root}workers`),
    redis.zcard(`${root}${DEAD_QUEUE}:failed`),
    redis.llen(`${send}wait`),
    redis.llen(`${send}active`),
    redis.llen(`${send}paused`),
    redis.zcard(`${send}delayed`),
    redis.zcard(`${send}prioritized`),
    redis.zcard(`${send}waiting-children`),
    // In layout 1 a message that BullMQ has failed by itself is open until a worker turns it into a dead letter.
    redis.zcard(`${send}failed`),
  ]);
  const behind = (await readGroups(redis, { root, index, nowMs })).filter(({ waiting }) => waiting > 0);
  return {
    workers: Object.entries(workers).flatMap(([id, json]) => {
      const { seenAt } = JSON.parse(json) as WorkerRecord & { seenAt: number };
      // Redis's clock may have been set back since a dead worker was seen.
      return Math.abs(nowMs - seenAt) > WORKER_SILENCE_MS ? [] : [id];
    }),
    openMessages: messages.reduce((total, count) => total + count, 0),
    deadLetters,
    unreadEvents: behind.reduce((total, { waiting }) => total + waiting, 0),
    groups: behind.map(({ group }) => group),
  };
}

const NAMED = 5;

/** Returns the ids of the first workers, for an error message: `a, b, c, d, e, …`. */
export function nameWorkers(workers: readonly string[]): string {
  return workers.slice(0, NAMED).join(', ') + (workers.length > NAMED ? ', …' : '');
}
