import type { Logger } from 'pino';
import { releaseDue } from '../shared/lanes/due.ts';
import { expireLetters } from '../shared/lanes/letters.ts';
import { reconcile } from '../shared/lanes/reconcile.ts';
import { registerWorker, type WorkerRecord } from '../shared/lanes/register.ts';
import type { Shard } from '../shared/queues.ts';
import { type BuryConfig, buryFailed } from './bury-lost.ts';
import type { Fleet } from './fleet.ts';
import type { Places } from './places.ts';
import type { Progress } from './progress.ts';
import type { TrafficMeter } from './traffic-meter.ts';

const BEAT_MS = 2000;
const TICK_MS = 400;
const OLD_COUNT_MS = 2000;
const TRAFFIC_MS = 2000;
const RECONCILE_MS = 15_000;
const DEAD_LETTER_CLEANING_MS = 60_000;
const CLEANED_AT_ONCE = 500;
/** Thousands of dead letters that one cleaning lets go; the next one goes on. */
const CLEANINGS_AT_ONCE = 40;
/** Hundreds of scheduled messages that one tick lets go; then others have their turn. */
const DUE_AT_ONCE = 20;

export interface UpkeepDeps {
  shards: readonly Shard[];
  workerId: string;
  describe(shard: Shard): WorkerRecord;
  fleet: Pick<Fleet, 'refresh' | 'rules'>;
  progress: Pick<Progress, 'ticked' | 'openIn'>;
  places: Places;
  traffic: Pick<TrafficMeter, 'write'>;
  bury: BuryConfig;
  keepDeadMs: number;
  logger: Logger;
}

/**
 * What a worker does at intervals: it tells the fleet that it is there, mends lanes that stand still, and lets go of dead
 * letters that have been kept long enough.
 */
export function createUpkeep(deps: UpkeepDeps): { start(): Promise<void>; stop(): Promise<void> } {
  const { shards, workerId, describe, fleet, logger } = deps;
  const timers: NodeJS.Timeout[] = [];
  const cursors = new Map<Shard, string>();
  const letterCursors = new Map<Shard, string>();
  /** Messages that any worker may take. */
  const counts = new Map<Shard, { waiting: number; countedAt: number }>();

  async function beatIn(shard: Shard): Promise<void> {
    await registerWorker(shard, workerId, describe(shard), fleet.rules());
  }

  async function beat(): Promise<void> {
    await Promise.all(shards.map(beatIn));
  }

  async function tick(): Promise<void> {
    if (await fleet.refresh()) await beat();
    const waiting = new Map(shards.map((shard) => [shard, knownToWait(shard)]));
    deps.progress.ticked(waiting, deps.places.of);
    const loads = shards.map((shard) => {
      return [shard, { open: deps.progress.openIn(shard), waiting: waiting.get(shard) ?? 0 }] as const;
    });
    if (deps.places.adjust(new Map(loads))) await beat();
  }

  async function tickIn(shard: Shard): Promise<void> {
    for (let n = 0; n < DUE_AT_ONCE && (await releaseDue(shard)); n += 1);
    counts.set(shard, { waiting: await countWaiting(shard), countedAt: performance.now() });
  }

  /** Of a shard whose node is away nothing can be taken, whatever waits there. */
  function knownToWait(shard: Shard): number {
    const count = counts.get(shard);
    return count && performance.now() - count.countedAt < OLD_COUNT_MS ? count.waiting : 0;
  }

  async function reconcileIn(shard: Shard): Promise<void> {
    const { cursor, repairs } = await reconcile(shard, cursors.get(shard) ?? '0');
    cursors.set(shard, cursor);
    if (repairs > 0) logger.warn({ repairs }, 'lanes stood still and go on; were jobs removed by hand?');
    const buried = await buryFailed(shard, deps.bury);
    if (buried > 0) logger.warn({ buried }, 'messages that BullMQ had failed by itself are dead letters now');
  }

  async function cleanDeadLettersIn(shard: Shard): Promise<void> {
    const removed = await cleanShard(shard);
    if (removed > 0) logger.info({ removed }, 'dead letters were kept long enough and are removed');
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

  function repeat(work: () => Promise<void>, everyMs: number): void {
    let underWay = false;
    const run = (): void => {
      // Redis is away: what waits for it must not pile up.
      if (underWay) return;
      underWay = true;
      work()
        .catch((error: unknown) => logger.warn({ err: error }, 'a periodic task failed and is tried again'))
        .finally(() => (underWay = false));
    };
    // Jittered, so that workers that started together don't act together.
    timers.push(setInterval(run, everyMs * (0.75 + Math.random() * 0.5)));
  }

  return {
    async start() {
      await fleet.refresh();
      await beat();
      repeat(tick, TICK_MS);
      repeat(deps.traffic.write, TRAFFIC_MS);
      // Each by itself: a shard whose node is away must not keep the others waiting.
      for (const shard of shards) {
        repeat(() => tickIn(shard), TICK_MS);
        repeat(() => beatIn(shard), BEAT_MS);
        repeat(() => reconcileIn(shard), RECONCILE_MS);
        repeat(() => cleanDeadLettersIn(shard), DEAD_LETTER_CLEANING_MS);
      }
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(shards.map((shard) => registerWorker(shard, workerId, null, fleet.rules())));
    },
  };
}

/** Messages that any worker may take now. Somebody may have paused BullMQ's queue, or bounded it: then none may. */
async function countWaiting({ redis, root }: Shard): Promise<number> {
  const [waiting, stops] = await Promise.all([
    redis.llen(`${root}send:wait`),
    redis.hmget(`${root}send:meta`, 'paused', 'concurrency'),
  ]);
  return stops.some((stop) => stop !== null) ? 0 : waiting;
}
