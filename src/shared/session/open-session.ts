import { inWordsOf, resolveConfig } from '../config/config.ts';
import type { Door } from '../config/doors.ts';
import { deadlineIn } from '../redis/deadline.ts';
import { openSealing } from '../sealing/sealing.ts';
import { createSession } from './session.ts';

/**
 * Resolves settings given in code, and opens the session and encryption keys for calls to Redis.
 *
 * @throws ConfigError for settings that can't work, or a file with encryption keys that can't be used.
 */
export function openSession(door: Door, options: Parameters<typeof resolveConfig>[1]) {
  const settings = resolveConfig(door, options);
  const config = { ...settings, sealing: inWordsOf(settings.source, () => openSealing(settings)) };
  return { config, session: createSession(config), newDeadline: () => deadlineIn(config.enqueueTimeoutMs) };
}
