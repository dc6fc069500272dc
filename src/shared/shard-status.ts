import { countHeldHeads } from './held-heads.ts';
import { dueKey } from './lanes/due.ts';
import { type HoldInRedis, readHolds } from './lanes/hold.ts';
import { WORKER_SILENCE_MS, type WorkerRecord, workersKey } from './lanes/register.ts';
import { fieldsOf, statusFields, statusOf } from './message-status.ts';
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
  const [nowMs, waitingChildren, wait, active, delayed, backoff, putOffHeld, dead, holds, workers] = await Promise.all([
    readTimeMs(redis, root),
    redis.zcard(`${send}waiting-children`),
    redis.llen(`${send}wait`),
    redis.llen(`${send}active`),
    redis.zcard(`${send}delayed`),
    redis.zcard(`${root}backoff`),
    redis.zcard(`${root}held`),
    redis.zcard(`${root}dead:failed`),
    readHolds(shard),
    redis.hgetall(workersKey(shard)),
  ]);
  const [scheduled, heads, oldestQueuedMs] = await Promise.all([
    redis.zcount(dueKey(shard), `(${nowMs}`, '+inf'),
    countHeldHeads(shard, holds, nowMs),
    readOldestQueuedMs(shard, nowMs),
  ]);
  // Those that wait for a slot of a limit are `delayed` too.
  const open = waitingChildren + wait + delayed - backoff - putOffHeld;
  const queued = Math.max(0, open - scheduled - heads.queued);
  return {
    counts: {
      scheduled,
      queued,
      sending: active,
      retrying: Math.max(0, backoff - heads.retrying),
      held: putOffHeld + heads.queued + heads.retrying,
      dead,
    },
    oldestQueuedMs: queued === 0 ? 0 : oldestQueuedMs,
    holds,
    workers: Object.entries(workers).flatMap(([id, json]) => {
      const { seenAt, ...record } = JSON.parse(json) as WorkerRecord & { seenAt: number };
      return nowMs - seenAt > WORKER_SILENCE_MS ? [] : [{ id, ...record }];
    }),
  };
}

/** Looks at the first of each place where queued messages wait. Scheduled ones stand there by their time, so after now. */
async function readOldestQueuedMs(shard: Shard, nowMs: number): Promise<number> {
  const send = `${shard.root}send:`;
  const [[, hiddenSince], released, [delayed]] = await Promise.all([
    shard.redis.zrange(`${send}waiting-children`, '0', '0', 'WITHSCORES'),
    shard.redis.lindex(`${send}wait`, -1),
    shard.redis.zrange(`${send}delayed`, '0', '0'),
  ]);
  const others = [released, delayed].flatMap((id) => id ?? []);
  const waited = await Promise.all(others.map((id) => readQueuedMs(shard, id, nowMs)));
  return Math.max(0, hiddenSince === undefined ? 0 : nowMs - Number(hiddenSince), ...waited);
}

async function readQueuedMs(shard: Shard, id: string, nowMs: number): Promise<number> {
  const names = ['timestamp', ...statusFields] as const;
  const job = fieldsOf(names, await shard.redis.hmget(jobKeys(shard, id).job, ...names));
  return statusOf(job, nowMs) === 'queued' ? nowMs - Number(job.due ?? job.timestamp ?? nowMs) : 0;
}
