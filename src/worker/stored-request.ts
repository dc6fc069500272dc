import { parseSendRequest } from '../shared/message.ts';
import type { StoredPayload } from '../shared/payload.ts';

/**
 * The payload, if a producer would have stored its request; one that is encrypted is told by its key, and looked at when it is
 * opened. Others can write to Redis, too: what is sent has been validated by who sends it.
 */
export function sendable(payload: StoredPayload | null): StoredPayload | null {
  if (payload === null || 'sealed' in payload.request) return payload;
  return parseSendRequest(payload.request).ok ? payload : null;
}

/** Why a request that stood in Redis is not sent; `null` if it may be. */
export function problemOfStored(request: unknown): string | null {
  const parsed = parseSendRequest(request);
  if (parsed.ok) return null;
  // Paths and rules, never values.
  const [first, ...others] = parsed.issues.map(({ path, message }) => `${path} ${message}`);
  const more = others.length > 0 ? `, and ${others.length} more` : '';
  return `what was stored is no message that may be sent: ${first}${more}`;
}
