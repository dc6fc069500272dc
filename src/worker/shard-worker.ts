import { type Job, Worker } from 'bullmq';
import type { Logger } from 'pino';
import { SEND_QUEUE, shardPrefix } from '../shared/keys.ts';
import type { Shard } from '../shared/queues.ts';
import { isConnectionError } from '../shared/redis.ts';
import { lockTimes } from './lock.ts';
import type { ProcessMessage } from './process-message.ts';

export interface ShardWorkerConfig {
  namespace: string;
  concurrency: number;
  timeoutMs: number;
  keepDoneMs: number;
}

/** BullMQ's own limit would fail a message without asking us; ours counts starts, in the claim. */
const NEVER = 1_000_000_000;
const MAX_KEPT_DONE = 1000;
/** After a lost connection BullMQ waits this long before it asks Redis again. */
const AFTER_OUTAGE_MS = 1000;
/** An idle worker looks for work at least this often, even if a wake-up was lost. */
const IDLE_SECONDS = 2;

/** BullMQ's worker for one shard: it fetches, locks and hands out jobs; what becomes of them is decided elsewhere. */
export function createShardWorker(
  shard: Shard,
  config: ShardWorkerConfig,
  processMessage: ProcessMessage,
  logger: Logger,
): Worker {
  const { lockDurationMs, stalledIntervalMs } = lockTimes(config.timeoutMs);
  const worker: Worker = new Worker(
    SEND_QUEUE,
    // Three parameters: only then does BullMQ make the signal that ends a request.
    async (job: Job, token?: string, signal?: AbortSignal) => {
      await processMessage(shard, job, token ?? '', signal ?? new AbortController().signal);
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
      removeOnComplete: { age: Math.ceil(config.keepDoneMs / 1000), count: MAX_KEPT_DONE },
    },
  );
  worker.on('error', (error) => {
    // An outage is told once, by whoever watches the connection.
    if (!isConnectionError(error)) logger.warn({ err: error }, 'BullMQ reports an error; the worker goes on');
  });
  // Without its lock a message belongs to another worker: a request that is still open must not run on unseen.
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) worker.cancelJob(id, 'the lock was lost');
  });
  return worker;
}
