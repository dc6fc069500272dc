import { type Job, Worker } from 'bullmq';
import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import { SEND_QUEUE, shardPrefix } from '../../shared/lanes/key-names.ts';
import { findStalled } from '../../shared/lanes/messages/find-stalled.ts';
import type { SettleResult, Taken } from '../../shared/lanes/messages/settle-and-take.ts';
import type { Shard } from '../../shared/lanes/shard.ts';
import { judgeFailedCall } from '../../shared/errors/failed-calls.ts';
import { isRefusal } from '../../shared/errors/redis-advice.ts';
import { isReady } from '../../shared/redis/ready.ts';
import type { EngineErrors } from '../fleet/engine-errors.ts';
import type { Fleet } from '../fleet/fleet-view.ts';
import type { Whereabouts } from '../fleet/marks.ts';
import { laneBackendOf, type Settleable, type UnderWay } from './lane-backend.ts';
import { letBullMqRunAlthoughFull } from './although-full.ts';
import type { Ended, ProcessMessage } from '../message/process.ts';
import { Stop } from '../http/stop-signal.ts';
import { createTurns } from './settle-and-take.ts';
import type { TakenHere } from '../message/attempt.ts';

const LEAST_LOCK_MS = 5000;
const STALLED_CHECK_MS = 4000;

/**
 * Returns how long BullMQ's lock on a message lasts, and how often BullMQ looks for messages whose lock has ended. The lock lasts
 * twice the time-out of a request, so that a request which begins late still ends under it. A killed worker's messages go on after at
 * most one lock and two checks: a single worker sometimes skips a check because the mark of its last one is still there.
 */
export function lockTimes(timeoutMs: number): { lockDurationMs: number; stalledIntervalMs: number } {
  const lockDurationMs = Math.max(2 * timeoutMs, LEAST_LOCK_MS);
  return { lockDurationMs, stalledIntervalMs: Math.min(STALLED_CHECK_MS, lockDurationMs / 2) };
}

export interface ShardWorkerConfig {
  namespace: string;
  timeoutMs: number;
}

export interface ShardWorkerDeps {
  config: ShardWorkerConfig;
  /** Prefix of the names of this worker's attempts. */
  name: string;
  /** Number of messages of this shard that the worker may have at once. */
  places(): number;
  fleet: Pick<Fleet, 'leave' | 'askToProbe' | 'apiProbes' | 'giveUp'>;
  whereabouts: Whereabouts;
  processMessage: ProcessMessage;
  took(taken: Taken): void;
  ended(ended: Ended, result: SettleResult): void;
  errors: EngineErrors;
  logger: WorkerLogger;
}

/** Turns BullMQ's limit of stalls off, which would fail a message without asking us; `take.lua` has a limit of its own. */
const NEVER = 1_000_000_000;
/** After a lost connection BullMQ waits this long before it asks Redis again. */
const AFTER_OUTAGE_MS = 1000;
/** How long BullMQ waits for the marker at once. The leader wakes a worker when needed, so this can be long. */
const IDLE_SECONDS = 10;

/** BullMQ's worker for one shard, with its loop and locks, on our backend. */
export interface ShardWorker {
  bull: Worker;
  /** Whether all free places were filled when the worker last took messages. */
  isFull(): boolean;
  /** Aborts the open requests. */
  giveUpAll(): void;
  /** Stops taking messages, lets open ones end, and gives back those that were not begun. */
  close(): Promise<void>;
}

export function createShardWorker(shard: Shard, deps: ShardWorkerDeps): ShardWorker {
  const { config, errors, logger } = deps;
  const { lockDurationMs, stalledIntervalMs } = lockTimes(config.timeoutMs);
  const open = new Set<Stop>();
  const underWay: UnderWay = { handed: new Map(), ended: new Map() };
  const turns = createTurns({
    shard,
    lockMs: lockDurationMs,
    name: deps.name,
    places: deps.places,
    leave: deps.fleet.leave,
    askToProbe: deps.fleet.askToProbe,
    whereabouts: deps.whereabouts,
    giveUpProbe: async () => await deps.fleet.giveUp(deps.fleet.apiProbes()),
    errors,
    logger,
  });

  async function process(taken: TakenHere): Promise<void> {
    const stop = new Stop();
    open.add(stop);
    deps.took(taken);
    try {
      const ended = await deps.processMessage(taken, taken.takenAt + lockDurationMs, stop);
      underWay.ended.set(taken.id, settleable(ended));
    } catch (error) {
      // Logged here: BullMQ would pass on the error's message, which may quote the content.
      logger.error({ err: error, id: taken.id }, 'internal error while processing a message');
      throw error;
    } finally {
      open.delete(stop);
    }
  }

  function settleable(ended: Ended): Settleable {
    const { attempt, settlement } = ended;
    return {
      id: attempt.taken.id,
      attempt: attempt.taken.attempt,
      record: attempt.record,
      survived: attempt.taken.verdict === 'go' || attempt.taken.verdict === 'expired',
      settlement,
      settled: (result) => deps.ended(ended, result),
    };
  }

  letBullMqRunAlthoughFull(shard.redis);
  const bull = new Worker<unknown, void>(
    SEND_QUEUE,
    async ({ id = '' }: Job) => {
      const taken = underWay.handed.get(id);
      if (!taken) throw new Error('BullMQ processes a job that it did not get from us');
      underWay.handed.delete(id);
      await process(taken);
    },
    {
      connection: shard.redis,
      prefix: shardPrefix(config.namespace, shard.index),
      autorun: false,
      concurrency: deps.places(),
      lockDuration: lockDurationMs,
      stalledInterval: stalledIntervalMs,
      maxStalledCount: NEVER,
      drainDelay: IDLE_SECONDS,
      runRetryDelay: AFTER_OUTAGE_MS,
    },
    laneBackendOf({
      turns,
      findStalled: async () => await findStalled(shard, stalledIntervalMs),
      underWay,
      logger,
    }),
  );
  bull.on('error', (error) => {
    // Outages and refusals are logged by `watchRedis`, lost locks below.
    const { what } = judgeFailedCall(error);
    if (what === 'lost' || isRefusal(error) || (what === 'refused' && !isReady(shard.redis))) return;
    if (error.message.startsWith('could not renew lock')) return;
    errors.note(error, 'BullMQ reported an error; the worker goes on');
  });
  // The open requests go on: their results count as long as their attempts are open, whichever worker has the locks.
  bull.on('lockRenewalFailed', (ids) =>
    logger.warn({ ids }, 'the worker lost the locks on some messages; their attempts go on'),
  );

  return {
    bull,
    isFull: turns.isFull,
    giveUpAll() {
      for (const stop of open) stop.abort();
    },
    async close() {
      const closing = bull.close();
      await turns.close();
      await closing;
    },
  };
}
