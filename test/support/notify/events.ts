import type { ReceivedEvent, SettledEvent } from '../../../src/shared/model/event.ts';

/** An event of a conversation: the n-th message of it was delivered. */
export function deliveredEvent(conversationId: string, n: number, more: Partial<SettledEvent> = {}): SettledEvent {
  const messageId = `0-${conversationId}-${n}`;
  return {
    id: `${messageId}.delivered.${n}`,
    type: 'delivered',
    messageId,
    pageId: 'p1',
    conversationId,
    label: null,
    at: new Date(1_800_000_000_000 + n).toISOString(),
    enqueuedAt: null,
    attempts: [],
    attemptsUsed: 1,
    proof: 'api',
    ...more,
  };
}

/** A stream of events that tells which were acknowledged. */
export interface EventSource extends AsyncIterable<ReceivedEvent> {
  acked: string[];
}

/** The events, and then their end; or with `stays` none, until the reader goes away. */
export function sourceOf(events: readonly SettledEvent[], { stays = false } = {}): EventSource {
  const acked: string[] = [];
  return {
    acked,
    async *[Symbol.asyncIterator]() {
      for (const event of events) yield { ...event, ack: async () => void acked.push(event.id) };
      if (stays) await new Promise(() => {});
    },
  };
}
