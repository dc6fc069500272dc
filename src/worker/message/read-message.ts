import type { Taken } from '../../shared/lanes/messages/turn.ts';
import type { MessageIssue } from '../../shared/errors/errors.ts';
import { parseStoredRequest } from '../../shared/model/message.ts';
import { readOptions, readStored, type StoredMessage } from '../../shared/model/stored-message.ts';
import { openRequest } from '../../shared/sealing/content.ts';
import type { Sealing } from '../../shared/sealing/sealing.ts';

/** What a worker knows of a message that it has: what stands in Redis, and what is sent of it. */
export interface ReadMessage {
  /** `null` if this version can't read it. */
  stored: StoredMessage | null;
  /** What is sent, as text; `null` if nothing may be. */
  body: string | null;
  /** Why nothing may be sent. */
  problem: string | null;
}

/** What is told of a job whose data is no message of this version. */
export const NO_MESSAGE = 'what was stored is no message that this version knows';

/** Reads a message and validates it: others can write to Redis, too. */
export function readMessage(sealing: Sealing, taken: Taken): ReadMessage {
  const plain = parseStoredRequest(taken.data);
  if ('request' in plain) {
    const more = readOptions(taken);
    if (more === null) return { stored: null, body: null, problem: NO_MESSAGE };
    return { stored: { request: plain.request, ...more }, body: taken.data, problem: null };
  }
  const stored = readStored(taken);
  if (stored === null) return { stored, body: null, problem: NO_MESSAGE };
  // What was not encrypted here is not kept as a request: nobody could send it again.
  if (!('sealed' in stored.request)) return { stored: null, body: null, problem: problemOf(plain.issues) };
  const opened = openRequest(sealing, taken.id, stored.request);
  if ('problem' in opened) return { stored, body: null, problem: opened.problem };
  const body = JSON.stringify(opened.request);
  const parsed = parseStoredRequest(body);
  return 'request' in parsed
    ? { stored, body, problem: null }
    : { stored, body: null, problem: problemOf(parsed.issues) };
}

/** Paths and rules, never values. */
function problemOf(issues: readonly MessageIssue[]): string {
  const [first, ...others] = issues.map(({ path, message }) => `${path} ${message}`);
  const more = others.length > 0 ? `, and ${others.length} more` : '';
  return `what was stored is no message that may be sent: ${first}${more}`;
}
