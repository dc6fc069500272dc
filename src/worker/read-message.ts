import type { Taken } from '../shared/lanes/turn.ts';
import { parseStoredRequest, type SendRequest } from '../shared/message.ts';
import { readStored, type StoredMessage } from '../shared/payload.ts';
import { openRequest } from '../shared/sealing/sealed-content.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';

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
  const stored = readStored(taken);
  if (stored === null) return { stored, body: null, problem: NO_MESSAGE };
  const opened = textOf(sealing, taken, stored);
  if ('problem' in opened) return { stored, body: null, problem: opened.problem };
  const parsed = parseStoredRequest(opened.text);
  if ('request' in parsed) return { stored, body: opened.text, problem: null };
  // Paths and rules, never values.
  const [first, ...others] = parsed.issues.map(({ path, message }) => `${path} ${message}`);
  const more = others.length > 0 ? `, and ${others.length} more` : '';
  const problem = `what was stored is no message that may be sent: ${first}${more}`;
  // What was not encrypted here is not kept as a request: nobody could send it again.
  return { stored: 'sealed' in stored.request ? stored : null, body: null, problem };
}

function textOf(sealing: Sealing, { id, data }: Taken, { request }: StoredMessage): { text: string } | { problem: string } {
  if (!('sealed' in request)) return { text: data };
  const opened: { request: SendRequest } | { problem: string } = openRequest(sealing, id, request);
  return 'problem' in opened ? opened : { text: JSON.stringify(opened.request) };
}
