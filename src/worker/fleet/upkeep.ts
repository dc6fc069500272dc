import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import { beatIn, tickIn, type WorkerRecord } from '../../shared/lanes/fleet/leader.ts';
import { expireLetters } from '../../shared/lanes/dead/dead-letters.ts';
import { reconcile } from '../../shared/lanes/repair/reconcile.ts';
import type { Shard } from '../../shared/lanes/shard.ts';
import type { EngineErrors } from './engine-errors.ts';
import type { LimitKeeper } from '../limits/limit-keeper.ts';
import type { Marks } from './marks.ts';
import type { Places } from './places.ts';
import type { WorkerProgress } from './progress.ts';
import { repeat, type Repetition } from './repeat.ts';
import { logNotice } from './restore-log.ts';
import type { TrafficMeter } from './traffic-meter.ts';

const BEAT_MS = 6000;
const LIMIT_BEAT_MS = 10_000;
const LEADER_TICK_MS = 1500;
const LIMIT_TICK_MS = 1000;
/** The shortest time between two ticks of the leader. */
const MIN_TICK_MS = 20;
const SHARE_PLACES_MS = 400;
const TRAFFIC_MS = 2000;
const RECONCILE_MS = 30_000;
const DEAD_LETTER_CLEANING_MS = 60_000;
const CLEANED_AT_ONCE = 500;
/** The most batches of dead letters that one cleaning removes; the next cleaning continues. */
const CLEANINGS_AT_ONCE = 40;

export interface UpkeepDeps {
  shards: readonly Shard[];
  workerId: string;
  describe(shard: Shard): WorkerRecord;
  /** The operator's fixed page window, 0 for a fair share. */
  window: number;
  limits: LimitKeeper;
  marks: Marks;
  /** Whether a restore that is only possible holds everything. */
  holdsSuspected: boolean;
  progress: Pick<WorkerProgress, 'ticked' | 'openIn'>;
  places: Places;
  isFull(shard: Shard): boolean;
  /** Whether requests may go to the API. */
  mayTake(): boolean;
  traffic: Pick<TrafficMeter, 'write'>;
  keepDoneMs: number;
  keepEvents: number;
  keepDone: number;
  keepDeadMs: number;
  lockMs: number;
  errors: EngineErrors;
  logger: WorkerLogger;
}

export interface Upkeep {
  start(): Promise<void>;
  /** Looks at once where the shard is: it is not where the worker last saw it. */
  lookAt(shard: Shard): void;
  stop(): Promise<void>;
}

/** A worker's periodic tasks: it tells each shard that it lives, and does the housekeeping of the shards that it leads. */
export function createUpkeep(deps: UpkeepDeps): Upkeep {
  const { shards, workerId, errors, logger } = deps;
  const onError = (error: unknown): void =>
    errors.note(error, 'a periodic task failed; the worker tries it again at its next time');
  const repetitions: Repetition[] = [];
  const leading = new Map<Shard, Repetition[]>();
  const cursors = new Map<Shard, string>();
  const letterCursors = new Map<Shard, string>();
  const looking = new Set<Shard>();
  let isStopped = false;

  async function beat(shard: Shard): Promise<void> {
    // A worker that has left must not be noted again.
    if (isStopped) return;
    const { window, holdsSuspected } = deps;
    const memory = { marks: deps.marks.seenOf(shard), holdsSuspected };
    const report = { workerId, record: deps.describe(shard), window, memory };
    const { leads, isStarving, position, notice } = await beatIn(shard, report);
    deps.marks.note(shard, position);
    if (notice) logNotice(logger, shard.index, notice);
    deps.progress.ticked(shard, isStarving && deps.mayTake(), deps.places.of(shard));
    // The answer may come after an outage in which the worker has left.
    if (leads && !isStopped && !leading.has(shard)) lead(shard);
  }

  function lead(shard: Shard): void {
    const tasks = [
      repeat({ everyMs: LEADER_TICK_MS, isJittered: false, onError, work: async () => await tick(shard) }),
      repeat({ everyMs: RECONCILE_MS, onError, work: async () => await reconcileIn(shard) }),
      repeat({ everyMs: DEAD_LETTER_CLEANING_MS, onError, work: async () => await cleanDeadLettersIn(shard) }),
    ];
    leading.set(shard, tasks);
    logger.debug({ shard: shard.index }, 'this worker leads the shard now');
  }

  function resign(shard: Shard): void {
    for (const task of leading.get(shard) ?? []) task.stop();
    leading.delete(shard);
  }

  /** @returns the ms until the next tick; `undefined` if another worker leads the shard */
  async function tick(shard: Shard): Promise<number | undefined> {
    const { keepDoneMs, keepDone, keepEvents, lockMs } = deps;
    const position = deps.marks.positionOf(shard);
    const ticked = await tickIn(shard, { workerId, keepDoneMs, keepDone, keepEvents, lockMs, position });
    if (ticked === 'elsewhere') await beat(shard);
    if (ticked === 'resigned') resign(shard);
    if (typeof ticked === 'string') return undefined;
    deps.marks.note(shard, ticked.position);
    return Math.min(LEADER_TICK_MS, Math.max(MIN_TICK_MS, ticked.nextMs));
  }

  async function sharePlaces(): Promise<void> {
    const loads = shards.map((shard) => {
      const open = deps.progress.openIn(shard);
      return [shard, { open, waiting: deps.isFull(shard) ? deps.places.of(shard) : 0 }] as const;
    });
    if (deps.places.adjust(new Map(loads))) await Promise.all(shards.map(beat));
  }

  async function reconcileIn(shard: Shard): Promise<void> {
    const { cursor, repairs } = await reconcile(shard, cursors.get(shard) ?? '0');
    cursors.set(shard, cursor);
    if (repairs > 0) logger.warn({ repairs }, 'repaired stalled conversations; were jobs removed by hand?');
  }

  async function cleanDeadLettersIn(shard: Shard): Promise<void> {
    const removed = await cleanShard(shard);
    if (removed > 0) logger.info({ removed }, 'removed dead letters that were kept long enough');
  }

  async function cleanShard(shard: Shard): Promise<number> {
    const { keepDeadMs } = deps;
    let total = 0;
    for (let n = 0; n < CLEANINGS_AT_ONCE; n += 1) {
      const cursor = letterCursors.get(shard) ?? '0';
      const { removed, cursor: next } = await expireLetters(shard, { keepDeadMs, atMost: CLEANED_AT_ONCE, cursor });
      letterCursors.set(shard, next);
      total += removed;
      if (removed < CLEANED_AT_ONCE) break;
    }
    return total;
  }

  return {
    async start() {
      await deps.marks.load();
      await deps.limits.start();
      await Promise.all(shards.map(beat));
      const { limits, traffic } = deps;
      repetitions.push(
        repeat({ everyMs: LIMIT_BEAT_MS, onError, work: async () => await limits.beat() }),
        repeat({ everyMs: LIMIT_TICK_MS, isJittered: false, onError, work: async () => await limits.tick() }),
        repeat({ everyMs: TRAFFIC_MS, onError, work: async () => await traffic.write() }),
      );
      if (shards.length > 1) repetitions.push(repeat({ everyMs: SHARE_PLACES_MS, onError, work: sharePlaces }));
      // One repetition for each shard, so that a shard whose node is away doesn't delay the others.
      for (const shard of shards) {
        repetitions.push(repeat({ everyMs: BEAT_MS, onError, work: async () => await beat(shard) }));
      }
    },
    lookAt(shard) {
      if (looking.has(shard)) return;
      looking.add(shard);
      beat(shard)
        .catch((error: unknown) => errors.note(error, 'the worker could not look where Redis is; it looks again'))
        .finally(() => looking.delete(shard));
    },
    async stop() {
      isStopped = true;
      for (const repetition of repetitions) repetition.stop();
      for (const shard of shards) resign(shard);
      const leave = { workerId, record: null, window: deps.window };
      await Promise.all([deps.limits.stop(), deps.marks.save(), ...shards.map((shard) => beatIn(shard, leave))]);
    },
  };
}
