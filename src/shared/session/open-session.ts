import { inWordsOf, resolveConfig } from '../config/config.ts';
import type { Door } from '../config/doors.ts';
import { deadlineIn } from '../redis/deadline.ts';
import { openSealing } from '../sealing/sealing.ts';
import { readRedisAccess } from '../config/redis-access.ts';
import { demandFitNode } from '../runtime.ts';
import { createSession } from './session.ts';

/**
 * Resolves settings given in code, and opens the session and encryption keys for calls to Redis.
 *
 * @throws ConfigError for a Node or settings that can't work, or a file with keys or certificates that can't be used.
 */
export function openSession(door: Door, options: Parameters<typeof resolveConfig>[1]) {
  demandFitNode();
  const settings = resolveConfig(door, options);
  const config = { ...settings, sealing: inWordsOf(settings.source, () => openSealing(settings)) };
  // A file that can't be used is reported now, not by the first call.
  inWordsOf(settings.source, () => readRedisAccess(settings));
  return { config, session: createSession(config), newDeadline: () => deadlineIn(config.enqueueTimeoutMs) };
}
