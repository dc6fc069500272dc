import type { SettledEvent, SettledType } from '../../src/shared/model/event.ts';

/** An event of conversation c1 of page p1. */
export function settledEvent(
  given: Partial<SettledEvent> & { type: SettledType; messageId: string; at: string },
): SettledEvent {
  return {
    id: `${given.messageId}.${given.type}.${Date.parse(given.at)}`,
    pageId: 'p1',
    conversationId: 'c1',
    label: null,
    enqueuedAt: given.at,
    attempts: [],
    attemptsUsed: 0,
    ...given,
  };
}
