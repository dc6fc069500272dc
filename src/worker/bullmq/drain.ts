import { setTimeout as delay } from 'node:timers/promises';
import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import type { ShardWorker } from './shard-worker.ts';

export interface DrainDeps {
  workers: readonly ShardWorker[];
  /** Number of messages that are being processed. */
  openMessages(): number;
  /** Tells the fleet that this worker stops. */
  leave(): Promise<void>;
  /** Writes the last attempts to the fleet's traffic counts. */
  tell(): Promise<void>;
  shutdownMs: number;
  logger: WorkerLogger;
}

/** Time at the end of the shutdown that is left to settle the requests that were given up. */
const SETTLING_MS = 2000;
/** After an outage BullMQ's close can hang. If no message has been open for this long, the drain doesn't wait for it. */
const IDLE_MS = 2000;
const LOOK_MS = 50;

/**
 * Stops taking messages and lets open requests end. Requests that are still open near the deadline are given up; at the
 * deadline the drain ends, even if Redis is away.
 */
export async function drain({ workers, openMessages, leave, tell, shutdownMs, logger }: DrainDeps): Promise<void> {
  const startedAt = performance.now();
  const giveUpAfterMs = Math.max(shutdownMs / 2, shutdownMs - SETTLING_MS);
  const closing = { done: false };
  let gaveUp = false;
  let idleSince = startedAt;
  void Promise.allSettled([leave(), ...workers.map((worker) => worker.close())])
    .then(tell)
    .catch((error: unknown) => logger.warn({ err: error }, 'could not tell the fleet of the last attempts'))
    .finally(() => (closing.done = true));

  while (!closing.done) {
    const now = performance.now();
    if (openMessages() > 0) idleSince = now;
    if (now - idleSince > IDLE_MS) break;
    if (now - startedAt > shutdownMs) {
      logger.error({}, 'the shutdown has reached its deadline; messages that are still open are left to other workers');
      break;
    }
    if (!gaveUp && now - startedAt > giveUpAfterMs) {
      gaveUp = true;
      logger.warn({}, 'gave up requests that were still open near the deadline of the shutdown');
      for (const { giveUpAll } of workers) giveUpAll();
    }
    await delay(LOOK_MS);
  }
  if (closing.done) return;
  for (const { bull } of workers) bull.disconnect().catch(() => {});
}
