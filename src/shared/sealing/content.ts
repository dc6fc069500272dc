import type { MessagePayload, SealedRequest, StoredRequest } from '../model/stored-message.ts';
import type { DeadResponse, StoredResponse } from '../model/dead-letter.ts';
import type { SendRequest } from '../model/message.ts';
import type { Belonging, Sealing } from './sealing.ts';

/** Shown instead of an answer that can't be decrypted. */
const CLOSED_BODY = '[encrypted]';

/** Encrypts the message of a request if there are keys and the message isn't encrypted yet. */
export function sealRequest(sealing: Sealing, id: string, request: StoredRequest): StoredRequest {
  if (!sealing.hasKeys || 'sealed' in request) return request;
  const sealed = sealing.seal(JSON.stringify(request.message), belongingOf(id, request));
  if (sealed === null) return request;
  return replaced(request, 'message', ['sealed', sealed]) as SealedRequest;
}

/** Returns the decrypted request, with its keys in their original order, or why it can't be decrypted. */
export function openRequest(
  sealing: Sealing,
  id: string,
  request: StoredRequest,
): { request: SendRequest } | { problem: string } {
  if (!('sealed' in request)) return { request };
  const opened = sealing.open(request.sealed, belongingOf(id, request));
  if ('problem' in opened) return opened;
  return { request: replaced(request, 'sealed', ['message', JSON.parse(opened.text)]) as SendRequest };
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
 */
export function storedText(
  id: string,
  { payload, body, sealing }: { payload: MessagePayload; body?: string | undefined; sealing?: Sealing | undefined },
): string {
  if (!sealing?.hasKeys) return body ?? JSON.stringify(payload.request);
  return JSON.stringify(sealRequest(sealing, id, payload.request));
}
