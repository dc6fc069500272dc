import { laneOf } from '../../src/shared/lanes/key-names.ts';
import type { TakenHere } from '../../src/worker/message/attempt.ts';

const HELLO = { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Hello' } };

/** A message at its first attempt, as a worker has taken it from the lane of its request. */
export function takenMessage(more: Partial<TakenHere> = {}): TakenHere {
  const data = more.data ?? JSON.stringify(HELLO);
  return {
    verdict: 'go',
    id: '0-01ARZ3NDEKTSV4RRFFQ69G5FAV',
    attempt: 'a.1',
    type: 'text',
    enqueuedAtMs: 0,
    lane: laneFor(data),
    attemptsUsed: 0,
    history: '',
    label: null,
    policy: null,
    replays: null,
    trace: null,
    times: null,
    takenAt: 0,
    receivedAt: 0,
    isProbe: false,
    ...more,
    data,
  };
}

function laneFor(data: string): string {
  const { pageId, conversationId } = { ...HELLO, ...parsed(data) };
  return laneOf(pageId, conversationId);
}

function parsed(data: string): Partial<typeof HELLO> {
  try {
    return JSON.parse(data) as Partial<typeof HELLO>;
  } catch {
    return {};
  }
}
