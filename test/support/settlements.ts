import type { AttemptToSettle, Settlement, Taken } from '../../src/shared/lanes/messages/settle-and-take.ts';
import type { DeadLetterPayload } from '../../src/shared/model/dead-letter.ts';

/** The settlement of a message that the API has accepted. */
export const delivered: Settlement = { kind: 'delivered', elapsedMs: 1 };

export const backoff = (delayMs: number): Settlement => ({ kind: 'backoff', delayMs });

/** The settlement of a message that the API has refused. */
export const letter: DeadLetterPayload = {
  v: 1,
  reason: 'rejected',
  request: null,
  enqueuedAt: '2026-11-22T10:00:00.000Z',
  attempts: [],
  attemptsUsed: 1,
  attemptsAllowed: 8,
  response: null,
  label: null,
  replayOf: null,
};

export const dead: Settlement = { kind: 'dead', letter, holds: false };

/** An attempt with this end, as an argument of a turn. */
export function ended(taken: Pick<Taken, 'id' | 'attempt'>, settlement: Settlement = delivered): AttemptToSettle {
  return { id: taken.id, attempt: taken.attempt, record: null, survived: true, settlement };
}
