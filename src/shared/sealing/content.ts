import type { MessagePayload, SealedRequest, StoredRequest } from '../model/stored-message.ts';
import type { DeadResponse, StoredResponse } from '../model/dead-letter.ts';
import type { SendRequest } from '../model/message.ts';
import type { Belonging, Closed, Sealing } from './sealing.ts';
import { readTerms, type Terms } from './terms.ts';

/** Shown instead of an answer that can't be decrypted. */
const CLOSED_BODY = '[encrypted]';
const UNKNOWN_TERMS = 'it was encrypted with terms that this version does not know';

/** A request whose message is decrypted. */
export interface OpenedRequest {
  request: SendRequest;
  /**
   * What was encrypted with the message. `null` in a dead letter that a worker encrypted; `undefined` in messages of versions that
   * encrypted only the message.
   */
  terms?: Terms | null;
}

/**
 * Encrypts the message of a request if there are keys and the message isn't encrypted yet.
 *
 * @param terms `null` for a dead letter, which no worker sends
 */
export function sealRequest(sealing: Sealing, id: string, request: StoredRequest, terms: Terms | null): StoredRequest {
  if (!sealing.hasKeys || 'sealed' in request) return request;
  const sealed = sealing.seal(JSON.stringify([request.message, terms]), belongingOf(id, request));
  if (sealed === null) return request;
  return replaced(request, 'message', ['sealed', sealed]) as SealedRequest;
}

/** Returns the decrypted request, with its keys in their original order, or why it can't be decrypted. */
export function openRequest(sealing: Sealing, id: string, request: StoredRequest): OpenedRequest | Closed {
  if (!('sealed' in request)) return { request };
  const decrypted = sealing.open(request.sealed, belongingOf(id, request));
  if ('problem' in decrypted) return decrypted;
  const content = JSON.parse(decrypted.text) as object;
  const withMessage = (message: unknown) => replaced(request, 'sealed', ['message', message]) as SendRequest;
  // Before terms were encrypted, the content was the message itself.
  if (!Array.isArray(content)) return { request: withMessage(content) };
  const [message, stored] = content as unknown[];
  const opened = withMessage(message);
  if (stored === null) return { request: opened, terms: null };
  const terms = readTerms(stored);
  return terms ? { request: opened, terms } : { problem: UNKNOWN_TERMS };
}

export function sealResponse(sealing: Sealing, id: string, response: DeadResponse): StoredResponse {
  const sealed = sealing.seal(response.body, ['response', id]);
  return sealed === null ? response : { httpStatus: response.httpStatus, sealed };
}

/** Returns the decrypted answer; only its status if it can't be decrypted. */
export function openResponse(sealing: Sealing, id: string, response: StoredResponse): DeadResponse {
  if (!('sealed' in response)) return response;
  const opened = sealing.open(response.sealed, ['response', id]);
  return { httpStatus: response.httpStatus, body: 'text' in opened ? opened.text : CLOSED_BODY };
}

/** Includes the conversation, because otherwise the encrypted message could be copied to a job that sends it to somebody else. */
function belongingOf(id: string, { pageId, conversationId }: StoredRequest): Belonging {
  return ['message', id, pageId, conversationId];
}

function replaced(object: StoredRequest, key: string, entry: [key: string, value: unknown]): unknown {
  return Object.fromEntries(Object.entries(object).map((kept) => (kept[0] === key ? entry : kept)));
}

/**
 * Returns the text of a request that is stored in Redis: encrypted if there are keys.
 *
 * @param message.body the request as JSON, if the caller has it already
 * @param terms what is stored beside the text
 */
export function storedText(
  id: string,
  { payload, body, sealing }: { payload: MessagePayload; body?: string | undefined; sealing?: Sealing | undefined },
  terms: () => Terms,
): string {
  if (!sealing?.hasKeys) return body ?? JSON.stringify(payload.request);
  return JSON.stringify(sealRequest(sealing, id, payload.request, terms()));
}
