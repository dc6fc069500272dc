import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { deadlineIn, within } from '../shared/deadline.ts';
import type { ResolveApiKey } from './api-keys.ts';

/** Finds keys, and names them where the key itself must not stand. */
export interface Keyring {
  /** `undefined` if there is none, or if the hook failed. */
  keyFor(pageId: string): Promise<string | undefined>;
  /** The name of a key's circuit. */
  circuitOf(apiKey: string): string;
}

const FINGERPRINT_LENGTH = 16;

export function createKeyring(resolveApiKey: ResolveApiKey, timeoutMs: number, logger: Logger): Keyring {
  return {
    async keyFor(pageId) {
      try {
        return await within(deadlineIn(timeoutMs), Promise.resolve(resolveApiKey(pageId)));
      } catch (error) {
        logger.error({ err: error, pageId }, 'the hook resolveApiKey failed or took too long; the page waits');
        return undefined;
      }
    },
    circuitOf: (apiKey) =>
      `key:${createHash('sha256').update(apiKey).digest('base64url').slice(0, FINGERPRINT_LENGTH)}`,
  };
}
