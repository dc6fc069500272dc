import type { Worker } from 'bullmq';
import type { Logger } from 'pino';

export interface DrainDeps {
  workers: readonly Worker[];
  /** Tells the fleet that this worker has gone. */
  leave(): Promise<void>;
  shutdownMs: number;
  logger: Logger;
}

/** Kept back at the end, so that requests that are given up can still be settled. */
const SETTLING_MS = 2000;

/**
 * Stops taking messages and lets open requests end. Those that are still open near the deadline are given up; at the
 * deadline everything is let go of, since BullMQ's own close can wait for ever when Redis is away.
 */
export async function drain({ workers, leave, shutdownMs, logger }: DrainDeps): Promise<void> {
  const giveUp = setTimeout(
    () => {
      logger.warn('requests are still open near the deadline of the shutdown; they are given up');
      for (const worker of workers) worker.cancelAllJobs('shutdown');
    },
    Math.max(shutdownMs / 2, shutdownMs - SETTLING_MS),
  );
  const deadline = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => deadline.resolve('late'), shutdownMs);
  const ended = Promise.allSettled([leave(), ...workers.map((worker) => worker.close())]);
  const result = await Promise.race([ended, deadline.promise]);
  clearTimeout(giveUp);
  clearTimeout(timer);
  if (result !== 'late') return;
  logger.error('the shutdown took too long; what is still open is left to other workers');
  for (const worker of workers) worker.disconnect().catch(() => {});
}
