import { laneOf } from '../../shared/lanes/key-names.ts';
import type { Taken } from '../../shared/lanes/messages/settle-and-take.ts';
import type { MessageIssue } from '../../shared/errors/errors.ts';
import { parseStoredRequest } from '../../shared/model/message.ts';
import { readOptions, readStored, type StoredMessage, type StoredRequest } from '../../shared/model/stored-message.ts';
import { openRequest } from '../../shared/sealing/content.ts';
import type { Sealing } from '../../shared/sealing/sealing.ts';

/** A message as it is stored, and as it is sent. */
export interface ReadMessage {
  /** `null` if this version can't read it. */
  stored: StoredMessage | null;
  /** The request body to send; `null` if the message must not be sent. */
  body: string | null;
  /** Why the message must not be sent; `null` if it may be. */
  problem: string | null;
}

/** The problem of a job whose data this version can't read as a message. */
export const NO_MESSAGE = 'this version can not read the stored data as a message';
/** Whoever wrote it could have evaded a hold of its page, or the order of its conversation. */
const MISPLACED = 'the message stands in another conversation than its request names';
const UNREADABLE = { stored: null, body: null } as const;

/** Reads and validates a stored message, because other programs can write to Redis, too. */
export function readTaken(sealing: Sealing, taken: Taken): ReadMessage {
  const plain = parseStoredRequest(taken.data);
  if ('request' in plain) {
    const more = readOptions(taken);
    if (more === null) return { ...UNREADABLE, problem: NO_MESSAGE };
    if (!isInItsLane(taken, plain.request)) return { ...UNREADABLE, problem: MISPLACED };
    return { stored: { request: plain.request, ...more }, body: taken.data, problem: null };
  }
  const stored = readStored(taken);
  if (stored === null) return { ...UNREADABLE, problem: NO_MESSAGE };
  if (!isInItsLane(taken, stored.request)) return { ...UNREADABLE, problem: MISPLACED };
  // An invalid request that was stored in the clear is not kept as a request, because it could never be replayed.
  if (!('sealed' in stored.request)) return { ...UNREADABLE, problem: problemOf(plain.issues) };
  const opened = openRequest(sealing, taken.id, stored.request);
  if ('problem' in opened) return { stored, body: null, problem: opened.problem };
  const body = JSON.stringify(opened.request);
  const parsed = parseStoredRequest(body);
  return 'request' in parsed
    ? { stored, body, problem: null }
    : { stored, body: null, problem: problemOf(parsed.issues) };
}

function isInItsLane({ lane }: Taken, { pageId, conversationId }: StoredRequest): boolean {
  return laneOf(pageId, conversationId) === lane;
}

/** Describes issues by their paths and rules, never by values, which could be content. */
function problemOf(issues: readonly MessageIssue[]): string {
  const [first, ...others] = issues.map(({ path, message }) => `${path} ${message}`);
  const more = others.length > 0 ? `, and ${others.length} more` : '';
  return `the stored message is not valid: ${first}${more}`;
}
