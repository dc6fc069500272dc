import { DEAD_QUEUE, SEND_QUEUE, shardRoots } from '../lanes/keys.ts';
import type { LaneRedis } from '../lanes/commands.ts';
import { WORKER_SILENCE_MS, type WorkerRecord } from '../lanes/fleet/leader.ts';
import { readTimeMs } from '../redis/time.ts';

/** What is under way in a namespace, in any layout: its queues are BullMQ's in all of them. */
export interface OpenWork {
  /** Ids of the workers that live. */
  workers: string[];
  openMessages: number;
  deadLetters: number;
}

export async function readOpenWork(redis: LaneRedis, namespace: string, shards: number): Promise<OpenWork> {
  const found = await Promise.all(shardRoots(namespace, shards).map((root) => readOfShard(redis, root)));
  return {
    workers: [...new Set(found.flatMap(({ workers }) => workers))].toSorted(),
    openMessages: found.reduce((total, { openMessages }) => total + openMessages, 0),
    deadLetters: found.reduce((total, { deadLetters }) => total + deadLetters, 0),
  };
}

async function readOfShard(redis: LaneRedis, root: string): Promise<OpenWork> {
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
    // A message that BullMQ has failed by itself is open until a worker makes a dead letter of it.
    redis.zcard(`${send}failed`),
  ]);
  return {
    workers: Object.entries(workers).flatMap(([id, json]) => {
      const { seenAt } = JSON.parse(json) as WorkerRecord & { seenAt: number };
      // Redis's clock may have been set back since a dead worker was seen.
      return Math.abs(nowMs - seenAt) > WORKER_SILENCE_MS ? [] : [id];
    }),
    openMessages: messages.reduce((total, count) => total + count, 0),
    deadLetters,
  };
}

const NAMED = 5;

/** The ids of some workers, for a message: `a, b, c, d, e, …`. */
export function nameWorkers(workers: readonly string[]): string {
  return workers.slice(0, NAMED).join(', ') + (workers.length > NAMED ? ', …' : '');
}
