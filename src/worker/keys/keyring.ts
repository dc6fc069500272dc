import { createHash } from 'node:crypto';
import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import { headerToken } from '../../shared/config/values.ts';
import { deadlineIn, within } from '../../shared/redis/deadline.ts';
import type { ResolveApiKey } from './api-keys.ts';

/** A key that can be used, or the reason why there is none. */
export type Key = { apiKey: string; circuit: string } | { unusable: string };

/** Finds API keys, and names their circuits by a fingerprint, so that the key itself is not stored. */
export interface Keyring {
  /** Synchronous if `resolveApiKey` is, because it is called for each attempt. */
  keyFor(pageId: string): Key | Promise<Key>;
}

const FINGERPRINT_LENGTH = 16;
const NONE: Key = { unusable: 'there is no API key for this page' };
/** The most keys in the cache, because a hook may return any number of different keys. */
const MOST_KEPT = 1000;

export function createKeyring(resolveApiKey: ResolveApiKey, timeoutMs: number, logger: WorkerLogger): Keyring {
  const judged = new Map<string, Key>();

  function keyOf(apiKey: string | undefined): Key {
    if (apiKey === undefined) return NONE;
    const known = judged.get(apiKey);
    if (known) return known;
    if (judged.size >= MOST_KEPT) judged.clear();
    const key = judge(apiKey);
    judged.set(apiKey, key);
    return key;
  }

  function failed(error: unknown, pageId: string): Key {
    logger.error(
      { err: error, pageId },
      'the hook resolveApiKey failed or took too long; the messages of the page wait',
    );
    return NONE;
  }

  async function awaited(apiKey: Promise<string | undefined>, pageId: string): Promise<Key> {
    try {
      return keyOf(await within(deadlineIn(timeoutMs), apiKey));
    } catch (error) {
      return failed(error, pageId);
    }
  }

  return {
    keyFor(pageId) {
      try {
        const apiKey = resolveApiKey(pageId);
        return typeof apiKey === 'object' ? awaited(Promise.resolve(apiKey), pageId) : keyOf(apiKey);
      } catch (error) {
        return failed(error, pageId);
      }
    },
  };
}

function judge(apiKey: string): Key {
  if (!headerToken.safeParse(apiKey).success) {
    return {
      unusable: 'the API key for this page must be visible ASCII characters, without spaces or line breaks',
    };
  }
  const fingerprint = createHash('sha256').update(apiKey).digest('base64url').slice(0, FINGERPRINT_LENGTH);
  return { apiKey, circuit: `key:${fingerprint}` };
}
