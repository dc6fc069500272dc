import type { MessagePayload, SealedRequest, StoredRequest } from '../model/stored-message.ts';
import type { DeadResponse, StoredResponse } from '../model/dead-letter.ts';
import type { SendRequest } from '../model/message.ts';
import type { Belonging, Sealing } from './sealing.ts';

/** What stands for an answer that can't be opened. */
const CLOSED_BODY = '[encrypted]';

/** Encrypts the message of a request, if there are keys and it isn't encrypted yet. */
export function sealRequest(sealing: Sealing, id: string, request: StoredRequest): StoredRequest {
  if (!sealing.hasKeys || 'sealed' in request) return request;
  const sealed = sealing.seal(JSON.stringify(request.message), belongingOf(id, request));
  if (sealed === null) return request;
  return replaced(request, 'message', ['sealed', sealed]) as SealedRequest;
}

/** The request as it was before it was encrypted, its keys in their order; or why it can't be had. */
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

/** The answer; without its key only its status. */
export function openResponse(sealing: Sealing, id: string, response: StoredResponse): DeadResponse {
  if (!('sealed' in response)) return response;
  const opened = sealing.open(response.sealed, ['response', id]);
  return { httpStatus: response.httpStatus, body: 'text' in opened ? opened.text : CLOSED_BODY };
}

/** With its conversation: in the job of another one it would be sent to somebody else. */
function belongingOf(id: string, { pageId, conversationId }: StoredRequest): Belonging {
  return ['message', id, pageId, conversationId];
}

function replaced(object: StoredRequest, key: string, entry: [key: string, value: unknown]): unknown {
  return Object.fromEntries(Object.entries(object).map((kept) => (kept[0] === key ? entry : kept)));
}

/**
 * The text that stands for a message's request in Redis: encrypted if there are keys.
 *
 * @param message.body the JSON of its request, from a caller who has it already
 */
export function storedText(
  id: string,
  { payload, body, sealing }: { payload: MessagePayload; body?: string | undefined; sealing?: Sealing | undefined },
): string {
  if (!sealing?.hasKeys) return body ?? JSON.stringify(payload.request);
  return JSON.stringify(sealRequest(sealing, id, payload.request));
}
