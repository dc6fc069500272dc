import { setTimeout as delay } from 'node:timers/promises';
import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import { ConfigError } from '../../shared/errors/errors.ts';
import { adviceOn, isPassing } from '../../shared/errors/redis-advice.ts';
import { isConnectionError } from '../../shared/errors/connection-errors.ts';
import { oneNodeError } from '../../shared/redis/unfit.ts';

const ASK_AGAIN_MS = 1000;

/**
 * Does the work with which a worker begins, and repeats it while Redis refuses it for a reason that passes, such as a full memory.
 *
 * @returns `undefined` if the worker was stopped meanwhile.
 * @throws ConfigError if Redis refuses it for a reason that doesn't pass.
 */
export async function untilWilling<T>(
  work: () => Promise<T>,
  { logger, stopping }: { logger: WorkerLogger; stopping: AbortSignal },
): Promise<T | undefined> {
  const told = new Set<string>();
  while (!stopping.aborted) {
    try {
      return await work();
    } catch (error) {
      const advice = adviceOn(error);
      if (!isPassing(error) && !isConnectionError(error)) throw lastingError(error);
      if (advice !== undefined && !told.has(advice)) {
        told.add(advice);
        logger.warn({ err: error }, `Redis refuses what a worker begins with: ${advice}; the worker waits for it`);
      }
    }
    await delay(ASK_AGAIN_MS, undefined, { signal: stopping }).catch(() => {});
  }
  return undefined;
}

function lastingError(error: unknown): unknown {
  const oneNode = oneNodeError(error);
  if (oneNode) return oneNode;
  const advice = error instanceof ConfigError ? undefined : adviceOn(error);
  return advice === undefined
    ? error
    : new ConfigError([`REDIS_URL: Redis refuses what a worker begins with: ${advice}`]);
}
