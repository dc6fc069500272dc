import { askRedis } from './ask-redis.ts';
import type { Deadline } from './deadline.ts';
import { workersKey, WORKER_SILENCE_MS, type WorkerRecord } from './lanes/register.ts';
import { jobKeys, type Shard } from './queues.ts';
import type { Session } from './session.ts';

/** Why messages are not sent, and until when. */
export interface Hold {
  scope: 'api' | 'key' | 'page' | 'conversation' | 'all';
  reason: 'rate-limited' | 'unauthorized' | 'api-down' | 'operator' | 'dead-letter';
  page?: string;
  conversation?: string;
  until?: string;
}

export interface WorkerStatus extends WorkerRecord {
  id: string;
}

/** Where everything stands. Its cost doesn't grow with the backlog. */
export interface Status {
  scheduled: number;
  queued: number;
  sending: number;
  retrying: number;
  held: number;
  dead: number;
  /** How long the message that was stored first among the queued ones has waited; 0 if none waits. */
  oldestQueuedMs: number;
  holds: Hold[];
  workers: WorkerStatus[];
}

type ShardStatus = Omit<Status, 'holds'>;

/** @throws QueueUnavailableError if Redis does not answer before the deadline. */
export async function readStatus(session: Session, shards: number, deadline: Deadline): Promise<Status> {
  const parts: ShardStatus[] = [];
  for (let index = 0; index < shards; index += 1) {
    const shard = await session.shard(index, deadline);
    parts.push(await askRedis(deadline, readShardStatus(shard)));
  }
  const sum = (count: (part: ShardStatus) => number): number => parts.reduce((total, part) => total + count(part), 0);
  return {
    scheduled: 0,
    queued: sum(({ queued }) => queued),
    sending: sum(({ sending }) => sending),
    retrying: sum(({ retrying }) => retrying),
    held: sum(({ held }) => held),
    dead: sum(({ dead }) => dead),
    oldestQueuedMs: Math.max(0, ...parts.map(({ oldestQueuedMs }) => oldestQueuedMs)),
    holds: [],
    workers: mergeWorkers(parts.flatMap(({ workers }) => workers)),
  };
}

async function readShardStatus(shard: Shard): Promise<ShardStatus> {
  const { redis, root } = shard;
  const send = `${root}send:`;
  const [time, waitingChildren, wait, active, delayed, backoff, heldCount, dead, oldestHidden, oldestWaiting, workers] =
    await Promise.all([
      redis.time(),
      redis.zcard(`${send}waiting-children`),
      redis.llen(`${send}wait`),
      redis.llen(`${send}active`),
      redis.zcard(`${send}delayed`),
      redis.zcard(`${root}backoff`),
      redis.zcard(`${root}held`),
      redis.zcard(`${root}dead:failed`),
      redis.zrange(`${send}waiting-children`, '0', '0', 'WITHSCORES'),
      redis.lindex(`${send}wait`, -1),
      redis.hgetall(workersKey(shard)),
    ]);
  const nowMs = Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000);
  const releasedAt = oldestWaiting === null ? null : await redis.hget(jobKeys(shard, oldestWaiting).job, 'timestamp');
  const storedAt = [oldestHidden[1], releasedAt].flatMap((at) => (at ? [Number(at)] : []));
  const queued = Math.max(0, waitingChildren + wait + delayed - backoff - heldCount);
  return {
    scheduled: 0,
    queued,
    sending: active,
    retrying: backoff,
    held: heldCount,
    dead,
    oldestQueuedMs: queued === 0 ? 0 : Math.max(0, ...storedAt.map((at) => nowMs - at)),
    workers: Object.entries(workers).flatMap(([id, json]) => {
      const { seenAt, ...record } = JSON.parse(json) as WorkerRecord & { seenAt: number };
      return nowMs - seenAt > WORKER_SILENCE_MS ? [] : [{ id, ...record }];
    }),
  };
}

/** A worker registers in every shard with its share of each. */
function mergeWorkers(workers: readonly WorkerStatus[]): WorkerStatus[] {
  const merged = new Map<string, WorkerStatus>();
  for (const worker of workers) {
    const known = merged.get(worker.id);
    merged.set(worker.id, {
      ...worker,
      concurrency: worker.concurrency + (known?.concurrency ?? 0),
      sending: worker.sending + (known?.sending ?? 0),
    });
  }
  return [...merged.values()].toSorted((one, other) => one.id.localeCompare(other.id));
}
