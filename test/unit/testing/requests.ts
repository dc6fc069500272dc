import type { SendRequest } from '../../../src/shared/model/message.ts';

export function textRequest(text: string, conversationId = 'c1', pageId = 'p1'): SendRequest {
  return { pageId, conversationId, message: { type: 'text', text } };
}

/** Sends a request as a client would. */
export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    redirect: 'manual',
  });
}
