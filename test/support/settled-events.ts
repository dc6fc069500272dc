import type { SettledEvent } from '../../src/shared/model/event.ts';

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
