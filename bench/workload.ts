import type { SendRequest } from '../src/shared/model/message.ts';

/** Messages whose conversations take turns: the first one of each, then the second one of each … */
export interface Workload {
  conversations: number;
  messages: number;
  /** How many came before. */
  from?: number;
}

const MESSAGE_BYTES = 300;
const PAGES = 10;

/** 300 bytes each, as JSON. The text begins with the message's number, and with `stamp` if there is one. */
export function requestOf(index: number, conversations: number, stamp?: string): SendRequest {
  const conversation = index % conversations;
  const request = { pageId: `page-${conversation % PAGES}`, conversationId: `conversation-${conversation}` };
  const start = stamp === undefined ? `${index} ` : `${index} ${stamp} `;
  const message = { type: 'text' as const, text: start };
  message.text = start.padEnd(MESSAGE_BYTES - JSON.stringify({ ...request, message }).length + start.length, 'x');
  return { ...request, message };
}

export function requestsOf({ conversations, messages, from = 0 }: Workload): SendRequest[] {
  return Array.from({ length: messages }, (_, offset) => requestOf(from + offset, conversations));
}
