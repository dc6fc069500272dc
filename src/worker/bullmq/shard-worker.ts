import { type Job, Worker } from 'bullmq';
import type { Logger } from 'pino';
import { SEND_QUEUE, shardPrefix } from '../../shared/lanes/keys.ts';
import type { SettleResult, Taken } from '../../shared/lanes/messages/turn.ts';
import type { Shard } from '../../shared/lanes/shard.ts';
import { isConnectionError } from '../../shared/redis/ready.ts';
import type { Fleet } from '../fleet/fleet-view.ts';
import { laneBackendOf, type Settleable, type UnderWay } from './lane-backend.ts';
import type { Ended, ProcessMessage } from '../message/process.ts';
import { Stop } from '../http/stop-signal.ts';
import { createTurns } from './turns.ts';
import type { TakenHere } from '../message/attempt.ts';

const LEAST_LOCK_MS = 5000;
const STALLED_CHECK_MS = 4000;

/**
 * How long BullMQ's lock on a message lasts, and how often it looks for messages whose lock has ended. The lock covers
 * a request twice, so that a request which begins late still ends under it. A killed worker's messages go on after at
 * most one lock and two checks: a worker that is alone is now and then refused a check by the mark of its last one.
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
  /** What the names of this worker's attempts begin with. */
  name: string;
  /** How many messages it may have of this shard. */
  places(): number;
  fleet: Pick<Fleet, 'leave' | 'askToProbe' | 'giveUpProbe'>;
  processMessage: ProcessMessage;
  took(taken: Taken): void;
  ended(ended: Ended, result: SettleResult): void;
  logger: Logger;
}

/** BullMQ's own limit would fail a message without asking us; ours counts how often one was found open. */
const NEVER = 1_000_000_000;
/** After a lost connection BullMQ waits this long before it asks Redis again. */
const AFTER_OUTAGE_MS = 1000;
/** The leader wakes a worker when one is needed, so an idle one need not look by itself. */
const IDLE_SECONDS = 10;

/** BullMQ's worker for one shard: its loop, its locks, its look for stalled messages, on our backend. */
export interface ShardWorker {
  bull: Worker;
  /** Whether there were more messages than places for them. */
  isFull(): boolean;
  /** Ends the requests that are open. */
  giveUpAll(): void;
  /** Takes no more, lets what is open end, and gives back what was not begun. */
  close(): Promise<void>;
}

export function createShardWorker(shard: Shard, deps: ShardWorkerDeps): ShardWorker {
  const { config, logger } = deps;
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
    giveUpProbe: deps.fleet.giveUpProbe,
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
      // Here, since BullMQ passes on the message of the error, which may quote what the message says.
      logger.error({ err: error, id: taken.id }, 'internal error in the attempt to send a message');
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

  const bull = new Worker<unknown, void>(
    SEND_QUEUE,
    async ({ id = '' }: Job) => {
      const taken = underWay.handed.get(id);
      if (!taken) throw new Error('BullMQ processes a job that it was not given');
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
    laneBackendOf({ turns, underWay, logger }),
  );
  bull.on('error', (error) => {
    // An outage is told once, by whoever watches the connection; a lost lock below.
    if (isConnectionError(error) || error.message.startsWith('could not renew lock')) return;
    logger.warn({ err: error }, 'BullMQ reports an error; the worker goes on');
  });
  // A request that is open goes on: how it ends counts as long as its attempt is open, whoever has the lock.
  bull.on('lockRenewalFailed', (ids) =>
    logger.warn({ ids }, 'the locks of some messages were lost; their attempts go on'),
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
