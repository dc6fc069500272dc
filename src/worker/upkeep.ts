import type { Logger } from 'pino';
import { releaseDue } from '../shared/lanes/due.ts';
import { reconcile } from '../shared/lanes/reconcile.ts';
import { registerWorker, type WorkerRecord } from '../shared/lanes/register.ts';
import type { Shard } from '../shared/queues.ts';
import { type BuryConfig, buryFailed } from './bury-lost.ts';
import type { Fleet } from './fleet.ts';

const BEAT_MS = 2000;
const TICK_MS = 400;
const RECONCILE_MS = 15_000;
const DEAD_LETTER_CLEANING_MS = 60_000;
const CLEANED_AT_ONCE = 1000;
/** Hundreds of scheduled messages that one tick lets go; then others have their turn. */
const DUE_AT_ONCE = 20;

export interface UpkeepDeps {
  shards: readonly Shard[];
  workerId: string;
  describe(shard: Shard): WorkerRecord;
  fleet: Pick<Fleet, 'refresh' | 'rules'>;
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

  async function beat(): Promise<void> {
    await Promise.all(shards.map((shard) => registerWorker(shard, workerId, describe(shard), fleet.rules())));
  }

  async function tick(): Promise<void> {
    if (await fleet.refresh()) await beat();
    for (const shard of shards) for (let n = 0; n < DUE_AT_ONCE && (await releaseDue(shard)); n += 1);
  }

  async function reconcileAll(): Promise<void> {
    for (const shard of shards) {
      const { cursor, repairs } = await reconcile(shard, cursors.get(shard) ?? '0');
      cursors.set(shard, cursor);
      if (repairs > 0) logger.warn({ repairs }, 'lanes stood still and go on; were jobs removed by hand?');
      const buried = await buryFailed(shard, deps.bury);
      if (buried > 0) logger.warn({ buried }, 'messages that BullMQ had failed by itself are dead letters now');
    }
  }

  async function cleanDeadLetters(): Promise<void> {
    for (const { dead } of shards) {
      const removed = await dead.clean(deps.keepDeadMs, CLEANED_AT_ONCE, 'failed');
      if (removed.length === 0) continue;
      logger.info({ removed: removed.length }, 'dead letters were kept long enough and are removed');
    }
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
      repeat(beat, BEAT_MS);
      repeat(reconcileAll, RECONCILE_MS);
      repeat(cleanDeadLetters, DEAD_LETTER_CLEANING_MS);
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(shards.map((shard) => registerWorker(shard, workerId, null, fleet.rules())));
    },
  };
}
