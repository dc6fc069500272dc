import { type Job, Worker } from 'bullmq';
import type { Logger } from 'pino';
import { SEND_QUEUE, shardPrefix } from '../shared/keys.ts';
import { MAX_KEPT_DONE } from '../shared/lanes/settle.ts';
import { jobKeys, type Shard } from '../shared/queues.ts';
import { isCluster } from '../shared/redis-cluster.ts';
import { isConnectionError } from '../shared/redis.ts';
import { lockTimes } from './lock.ts';
import type { ProcessMessage } from './process-message.ts';
import { createStop, type Stop } from './stop-signal.ts';

export interface ShardWorkerConfig {
  namespace: string;
  concurrency: number;
  timeoutMs: number;
  keepDoneMs: number;
}

/** BullMQ's own limit would fail a message without asking us; ours counts starts, in the claim. */
const NEVER = 1_000_000_000;
/** After a lost connection BullMQ waits this long before it asks Redis again. */
const AFTER_OUTAGE_MS = 1000;
/** An idle worker looks for work at least this often, even if a wake-up was lost. */
const IDLE_SECONDS = 2;

/** BullMQ's worker for one shard: it fetches, locks and hands out jobs; what becomes of them is decided elsewhere. */
export interface ShardWorker {
  bull: Worker;
  /** Ends the requests that are open. */
  giveUpAll(): void;
}

export function createShardWorker(
  shard: Shard,
  config: ShardWorkerConfig,
  processMessage: ProcessMessage,
  logger: Logger,
): ShardWorker {
  const { lockDurationMs, stalledIntervalMs } = lockTimes(config.timeoutMs);
  const open = new Map<string, { token: string; stop: Stop }>();
  const bull: Worker = new Worker(
    SEND_QUEUE,
    // Two parameters: for a third one BullMQ would make an AbortController for each message.
    async (job: Job, token = '') => {
      const { id = '' } = job;
      const stop = createStop();
      open.set(id, { token, stop });
      try {
        await processMessage(shard, job, token, stop.signal);
      } finally {
        // Another lock may have brought it back already.
        if (open.get(id)?.token === token) open.delete(id);
      }
    },
    {
      connection: shard.redis,
      prefix: shardPrefix(config.namespace, shard.index),
      autorun: false,
      concurrency: config.concurrency,
      lockDuration: lockDurationMs,
      stalledInterval: stalledIntervalMs,
      maxStalledCount: NEVER,
      drainDelay: IDLE_SECONDS,
      runRetryDelay: AFTER_OUTAGE_MS,
      // What was delivered is kept by our settlement; BullMQ ends only what has ended before.
      removeOnComplete: { age: Math.ceil(config.keepDoneMs / 1000), count: MAX_KEPT_DONE },
    },
  );
  bull.on('error', (error) => {
    // An outage is told once, by whoever watches the connection.
    if (!isConnectionError(error)) logger.warn({ err: error }, 'BullMQ reports an error; the worker goes on');
  });
  // Without its lock a message belongs to another worker: a request that is still open must not run on unseen.
  bull.on('lockRenewalFailed', (ids) => {
    for (const id of ids) {
      const message = open.get(id);
      if (!message) continue;
      if (isCluster(shard.redis)) void giveUpUnless(hasLock(shard, id, message.token), message.stop);
      else message.stop.abort();
    }
  });
  return {
    bull,
    giveUpAll() {
      for (const { stop } of open.values()) stop.abort();
    },
  };
}

/** While a slot moves, BullMQ looks for all locks at one node, and each is at one or the other. */
async function hasLock(shard: Shard, id: string, token: string): Promise<boolean> {
  return (await shard.redis.get(jobKeys(shard, id).lock)) === token;
}

async function giveUpUnless(isLocked: Promise<boolean>, stop: Stop): Promise<void> {
  const locked = await isLocked.catch(() => false);
  if (!locked) stop.abort();
}
