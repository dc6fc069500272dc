import { countHeldHeads } from './held-heads.ts';
import { type HoldInRedis, readHolds } from './lanes/hold.ts';
import { WORKER_SILENCE_MS, type WorkerRecord, workersKey } from './lanes/leader.ts';
import { jobKeys, type Shard } from './queues.ts';
import { readTimeMs } from './redis-time.ts';

export interface WorkerStatus extends WorkerRecord {
  id: string;
}

/** How many messages stand where. A conversation's first message counts as it stands, those behind it as `queued`. */
export interface Counts {
  scheduled: number;
  queued: number;
  sending: number;
  retrying: number;
  held: number;
  dead: number;
}

export interface ShardStatus {
  counts: Counts;
  oldestQueuedMs: number;
  holds: HoldInRedis[];
  workers: WorkerStatus[];
}

/** Reads counts of whole sets and lists, and a few messages. */
export async function readShardStatus(shard: Shard): Promise<ShardStatus> {
  const { redis, root } = shard;
  const send = `${root}send:`;
  const [nowMs, waitingChildren, wait, active, delayed, putOffByHold, dead, holds, workers] = await Promise.all([
    readTimeMs(redis, root),
    redis.zcard(`${send}waiting-children`),
    redis.llen(`${send}wait`),
    redis.llen(`${send}active`),
    redis.zcard(`${send}delayed`),
    redis.scard(`${root}held`),
    redis.zcard(`${root}dead:failed`),
    readHolds(shard),
    redis.hgetall(workersKey(shard)),
  ]);
  const [scheduled, heads, oldestMs] = await Promise.all([
    redis.zcount(`${root}due`, `(${nowMs}`, '+inf'),
    countHeldHeads(shard, holds, nowMs),
    readOldestMs(shard, nowMs),
  ]);
  const queued = Math.max(0, waitingChildren + wait - scheduled - heads.queued);
  return {
    counts: {
      scheduled,
      queued,
      sending: active,
      retrying: Math.max(0, delayed - putOffByHold - heads.retrying),
      held: putOffByHold + heads.queued + heads.retrying,
      dead,
    },
    // Redis's clock may have been set back since the message was stored.
    oldestQueuedMs: queued === 0 ? 0 : Math.max(1, oldestMs),
    holds,
    workers: Object.entries(workers).flatMap(([id, json]) => {
      const { seenAt, ...record } = JSON.parse(json) as WorkerRecord & { seenAt: number };
      return nowMs - seenAt > WORKER_SILENCE_MS ? [] : [{ id, ...record }];
    }),
  };
}

/** Looks at the first message of each place where queued ones wait. Scheduled ones stand there by their time, so after now. */
async function readOldestMs(shard: Shard, nowMs: number): Promise<number> {
  const send = `${shard.root}send:`;
  const [[, waitingSince], released] = await Promise.all([
    shard.redis.zrange(`${send}waiting-children`, '0', '0', 'WITHSCORES'),
    shard.redis.lindex(`${send}wait`, -1),
  ]);
  const job = released === null ? [] : await shard.redis.hmget(jobKeys(shard, released).job, 'due', 'timestamp');
  const since = [waitingSince, job[0] ?? job[1]].flatMap((time) => time ?? []);
  return nowMs - Math.min(nowMs, ...since.map(Number).filter(Number.isFinite));
}
