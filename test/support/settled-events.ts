import type { Ledger } from '../../src/shared/ledger/ledger.ts';
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

/** A ledger with these events, the newest first. */
export function ledgerWith(events: readonly SettledEvent[]): Pick<Ledger, 'read'> {
  return {
    read: async ({ beforeMs = Infinity, limit }) =>
      events.filter(({ at }) => Date.parse(at) < beforeMs).slice(0, limit),
  };
}

/** An event about a delivered message. */
export function deliveredEvent(
  messageId: string,
  { atMs = Date.UTC(2026, 10, 30, 12), ...more }: Partial<SettledEvent> & { atMs?: number } = {},
): SettledEvent {
  return {
    id: `${messageId}.delivered.${atMs}`,
    type: 'delivered',
    messageId,
    pageId: 'p1',
    conversationId: 'c1',
    label: null,
    at: new Date(atMs).toISOString(),
    enqueuedAt: new Date(atMs - 500).toISOString(),
    attempts: [
      {
        at: new Date(atMs - 200).toISOString(),
        outcome: 'delivered',
        detail: null,
        httpStatus: 200,
        durationMs: 180,
        usedAttempt: true,
      },
    ],
    attemptsUsed: 1,
    httpStatus: 200,
    proof: 'api',
    ...more,
  };
}
