import { laneOf } from '../../shared/lanes/key-names.ts';
import type { Taken } from '../../shared/lanes/messages/settle-and-take.ts';
import type { MessageIssue } from '../../shared/errors/errors.ts';
import { parseStoredRequest } from '../../shared/model/message.ts';
import {
  readOptions,
  readRequest,
  type SealedRequest,
  type StoredMessage,
  type StoredRequest,
} from '../../shared/model/stored-message.ts';
import { openRequest } from '../../shared/sealing/content.ts';
import type { Sealing } from '../../shared/sealing/sealing.ts';
import { changedTerm, latestExpiryMs, type Terms } from '../../shared/sealing/terms.ts';

/** A message as it is stored, and as it is sent. */
export interface ReadMessage {
  /** `null` if this version can't read it. */
  stored: StoredMessage | null;
  /** The request body to send; `null` if the message must not be sent. */
  body: string | null;
  /** Why the message must not be sent; `null` if it may be. */
  problem: string | null;
  /** The id of the encryption key that this worker lacks: the message waits for it. */
  missingKey?: string | undefined;
  /** For an encrypted message, the time after which its id can't be sent again, whoever writes its job again. */
  knownUntilMs?: number;
}

/** The problem of a job whose data this version can't read as a message. */
export const NO_MESSAGE = 'this version can not read the stored data as a message';
/** Whoever wrote it could have evaded a hold of its page, or the order of its conversation. */
const MISPLACED = 'the message stands in another conversation than its request names';
/** Its id could be that of a message that was sent. */
const LETTER = 'its content was encrypted for a dead letter, not to be sent: somebody has copied it';
const IN_CLEAR =
  'its content is not encrypted, which KITECHAT_REQUIRE_ENCRYPTION refuses: find out who stored it, and replay it only if it is yours';
const UNREADABLE = { stored: null, body: null } as const;

/** Reads and validates a stored message, because other programs can write to Redis, too. */
export function readTaken(sealing: Sealing, taken: Taken): ReadMessage {
  const plain = parseStoredRequest(taken.data);
  if ('request' in plain) {
    const more = readOptions(taken);
    if (more === null) return { ...UNREADABLE, problem: NO_MESSAGE };
    if (!isInItsLane(taken, plain.request)) return { ...UNREADABLE, problem: MISPLACED };
    const stored = { request: plain.request, ...more };
    return sealing.isRequired ? { stored, body: null, problem: IN_CLEAR } : { stored, body: taken.data, problem: null };
  }
  const request = readRequest(taken.data);
  if (request === null) return { ...UNREADABLE, problem: NO_MESSAGE };
  if (!isInItsLane(taken, request)) return { ...UNREADABLE, problem: MISPLACED };
  // An invalid request that was stored in the clear is not kept as a request, because it could never be replayed.
  if (!('sealed' in request)) return { ...UNREADABLE, problem: problemOf(plain.issues) };
  return readSealed(sealing, taken, request);
}

function readSealed(sealing: Sealing, taken: Taken, request: SealedRequest): ReadMessage {
  const opened = openRequest(sealing, taken.id, request);
  const terms = 'problem' in opened ? undefined : opened.terms;
  // What its producer said of the message is in the encrypted content: others can change the fields of its job.
  const options = terms ? optionsIn(terms) : readOptions(taken);
  if (options === null) return { ...UNREADABLE, problem: NO_MESSAGE };
  const stored = { request, ...options };
  if ('problem' in opened) return { stored, body: null, problem: opened.problem, missingKey: opened.missingKey };
  if (terms === null) return { stored, body: null, problem: LETTER };
  const knownUntilMs = terms ? latestExpiryMs(taken.id, terms) : Number(taken.times?.expiresAt) || 0;
  const changed =
    taken.times === null ? 'encryption' : terms && changedTerm(taken.id, terms, { ...taken, times: taken.times });
  if (changed) return { stored, body: null, problem: problemOfChange(changed), knownUntilMs };
  const body = JSON.stringify(opened.request);
  const parsed = parseStoredRequest(body);
  return 'request' in parsed
    ? { stored, body, problem: null, knownUntilMs }
    : { stored, body: null, problem: problemOf(parsed.issues), knownUntilMs };
}

function optionsIn({ label, policy, replays }: Terms): Omit<StoredMessage, 'request'> {
  return {
    ...(label === undefined ? {} : { label }),
    ...(policy === undefined ? {} : { onUnknownOutcome: policy }),
    ...(replays === undefined ? {} : { replayOf: replays }),
  };
}

function problemOfChange(term: string): string {
  return `somebody without its encryption key has changed the ${term} of the message in Redis: find out who, and replay it only if it was not sent`;
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
