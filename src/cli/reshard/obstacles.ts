import { DEAD_QUEUE, SEND_QUEUE, shardRoot } from '../../shared/keys.ts';
import type { LaneRedis } from '../../shared/lanes/commands.ts';
import { WORKER_SILENCE_MS, type WorkerRecord } from '../../shared/lanes/register.ts';
import { readTimeMs } from '../../shared/redis-time.ts';

/** What keeps the number of shards from being changed. */
export interface Obstacles {
  /** Ids of the workers that live. */
  workers: string[];
  openMessages: number;
  deadLetters: number;
}

export async function findObstacles(redis: LaneRedis, namespace: string, shards: number): Promise<Obstacles> {
  const found = await Promise.all(
    Array.from({ length: shards }, (_, index) => findInShard(redis, shardRoot(namespace, index))),
  );
  return {
    workers: [...new Set(found.flatMap(({ workers }) => workers))].toSorted(),
    openMessages: found.reduce((total, { openMessages }) => total + openMessages, 0),
    deadLetters: found.reduce((total, { deadLetters }) => total + deadLetters, 0),
  };
}

async function findInShard(redis: LaneRedis, root: string): Promise<Obstacles> {
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
  ]);
  return {
    workers: Object.entries(workers).flatMap(([id, json]) => {
      const { seenAt } = JSON.parse(json) as WorkerRecord & { seenAt: number };
      return nowMs - seenAt > WORKER_SILENCE_MS ? [] : [id];
    }),
    openMessages: messages.reduce((total, count) => total + count, 0),
    deadLetters,
  };
}

export function isClear({ workers, openMessages, deadLetters }: Obstacles): boolean {
  return workers.length === 0 && openMessages === 0 && deadLetters === 0;
}

const NAMED = 5;

/** What is in the way, and what to do about it; one line each. */
export function describeObstacles({ workers, openMessages, deadLetters }: Obstacles): string[] {
  const names = workers.slice(0, NAMED).join(', ') + (workers.length > NAMED ? ', …' : '');
  return [
    ...(workers.length > 0 ? [`live workers: ${workers.length} (${names}): stop them`] : []),
    ...(openMessages > 0
      ? [
          `open messages: ${openMessages}: stop your apps, and let the workers deliver what is left before you stop them`,
        ]
      : []),
    ...(deadLetters > 0
      ? [
          `dead letters: ${deadLetters}: send them again ("kitechat-sender dead-letters replay --all"), or keep them in a file ("dead-letters export --out FILE", which "send" accepts later) and remove them ("dead-letters discard --all --yes")`,
        ]
      : []),
  ];
}
