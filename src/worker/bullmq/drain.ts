import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ShardWorker } from './shard-worker.ts';

export interface DrainDeps {
  workers: readonly ShardWorker[];
  /** Messages that are being worked on. */
  openMessages(): number;
  /** Tells the fleet that this worker has gone. */
  leave(): Promise<void>;
  /** Tells the fleet of the last that was done. */
  tell(): Promise<void>;
  shutdownMs: number;
  logger: Logger;
}

/** Kept back at the end, so that requests that are given up can still be settled. */
const SETTLING_MS = 2000;
/** After an outage BullMQ's close can wait for ever; with nothing open there is nothing to wait for. */
const IDLE_MS = 2000;
const LOOK_MS = 50;

/**
 * Stops taking messages and lets open requests end. Those that are still open near the deadline are given up; at the
 * deadline everything is let go of, Redis or not.
 */
export async function drain({ workers, openMessages, leave, tell, shutdownMs, logger }: DrainDeps): Promise<void> {
  const startedAt = performance.now();
  const giveUpAfterMs = Math.max(shutdownMs / 2, shutdownMs - SETTLING_MS);
  const closing = { done: false };
  let gaveUp = false;
  let idleSince = startedAt;
  void Promise.allSettled([leave(), ...workers.map((worker) => worker.close())])
    .then(tell)
    .catch((error: unknown) => logger.warn({ err: error }, 'the fleet could not be told of the last attempts'))
    .finally(() => (closing.done = true));

  while (!closing.done) {
    const now = performance.now();
    if (openMessages() > 0) idleSince = now;
    if (now - idleSince > IDLE_MS) break;
    if (now - startedAt > shutdownMs) {
      logger.error('the shutdown took too long; what is still open is left to other workers');
      break;
    }
    if (!gaveUp && now - startedAt > giveUpAfterMs) {
      gaveUp = true;
      logger.warn('requests are still open near the deadline of the shutdown; they are given up');
      for (const { giveUpAll } of workers) giveUpAll();
    }
    await delay(LOOK_MS);
  }
  if (closing.done) return;
  for (const { bull } of workers) bull.disconnect().catch(() => {});
}
