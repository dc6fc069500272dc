import type { EnqueueItem } from '../../src/producer/index.ts';

/** Messages number `from` up to `to` of a page whose conversations take turns. */
export function pageMessages(pageId: string, from: number, to: number, conversations: number): EnqueueItem[] {
  return Array.from({ length: to - from }, (_, offset) => {
    const index = from + offset;
    const conversationId = `${pageId}-${index % conversations}`;
    const place = 1 + Math.floor(index / conversations);
    return { pageId, conversationId, message: { type: 'text', text: `message ${place}` } };
  });
}
