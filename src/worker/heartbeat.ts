import type { Logger } from 'pino';
import { registerWorker, type WorkerRecord } from '../shared/lanes/register.ts';
import type { Shard } from '../shared/queues.ts';

const BEAT_MS = 2000;
const DEAD_LETTER_CLEANING_MS = 60_000;
const CLEANED_AT_ONCE = 1000;

export interface HeartbeatDeps {
  shards: readonly Shard[];
  workerId: string;
  describe(shard: Shard): WorkerRecord;
  window: number;
  keepDeadMs: number;
  logger: Logger;
}

/**
 * What a worker does at intervals: it tells the fleet that it is there, and lets go of dead letters that have been kept
 * long enough.
 */
export function createHeartbeat({ shards, workerId, describe, window, keepDeadMs, logger }: HeartbeatDeps): {
  start(): Promise<void>;
  stop(): Promise<void>;
} {
  const timers: NodeJS.Timeout[] = [];

  const beat = async (): Promise<void> => {
    await Promise.all(shards.map((shard) => registerWorker(shard, workerId, describe(shard), window)));
  };
  const cleanDeadLetters = async (): Promise<void> => {
    for (const { dead } of shards) {
      const removed = await dead.clean(keepDeadMs, CLEANED_AT_ONCE, 'failed');
      if (removed.length > 0)
        logger.info({ removed: removed.length }, 'dead letters were kept long enough and are removed');
    }
  };
  const repeat = (work: () => Promise<void>, everyMs: number): void => {
    const run = (): void => {
      work().catch((error: unknown) => logger.warn({ err: error }, 'a periodic task failed and is tried again'));
    };
    // Jittered, so that workers that started together don't act together.
    timers.push(setInterval(run, everyMs * (0.9 + Math.random() * 0.2)));
  };

  return {
    async start() {
      await beat();
      repeat(beat, BEAT_MS);
      repeat(cleanDeadLetters, DEAD_LETTER_CLEANING_MS);
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(shards.map((shard) => registerWorker(shard, workerId, null, window)));
    },
  };
}
