import type { TakenHere } from '../../src/worker/message/attempt.ts';

/** A message at its first attempt, as a worker has taken it. */
export function takenMessage(more: Partial<TakenHere> = {}): TakenHere {
  return {
    verdict: 'go',
    id: '0-01ARZ3NDEKTSV4RRFFQ69G5FAV',
    attempt: 'a.1',
    type: 'text',
    data: JSON.stringify({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } }),
    enqueuedAtMs: 0,
    attemptsUsed: 0,
    history: '',
    label: null,
    policy: null,
    replays: null,
    takenAt: 0,
    isProbe: false,
    ...more,
  };
}
