import type { EnqueueItem } from '../../src/producer/index.ts';

/** As an id is written, and no message has it. */
export const unknownId = '0-01ARZ3NDEKTSV4RRFFQ69G5FAV';

/** A text message; `n` is its place in its conversation, which the fake API reads from the text. */
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
