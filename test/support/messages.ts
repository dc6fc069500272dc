import type { EnqueueItem } from '../../src/producer/index.ts';

/** A valid id that no message has. */
export const unknownId = '0-01ARZ3NDEKTSV4RRFFQ69G5FAV';

/** A text message. The fake API reads its place `n` in the conversation from the text. */
export function textMessage(conversationId: string, n: number, pageId = 'p1'): EnqueueItem {
  return { pageId, conversationId, message: { type: 'text', text: `message ${n}` } };
}

/** Messages 1 to `each` for every conversation, interleaved, over some pages. */
export function manyMessages(conversations: number, each: number, pages = 4): EnqueueItem[] {
  return Array.from({ length: conversations * each }, (_, index) => {
    const conversation = index % conversations;
    return textMessage(`c${conversation}`, 1 + Math.floor(index / conversations), `p${conversation % pages}`);
  });
}
