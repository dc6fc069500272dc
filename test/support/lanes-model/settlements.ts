import fc from 'fast-check';
import type { AttemptToSettle, Settlement, SettleResult } from '../../../src/shared/lanes/messages/settle-and-take.ts';
import { letter } from '../settlements.ts';
import { holdForLetter } from './letter-commands.ts';
import { comeBack, count, endMessage, type Model, putOff, type Work } from './model.ts';

/** The settlement of a message, and whether a dead letter holds its conversation. */
export interface Outcome {
  kind: Settlement['kind'];
  delayMs: number;
  isNoted: boolean;
  usedAttempt: boolean;
  holds: boolean;
}

export const anyOutcome: fc.Arbitrary<Outcome> = fc.record({
  kind: fc.constantFrom(
    'delivered',
    'delivered',
    'delivered',
    'dead',
    'backoff',
    'backoff',
    'hold',
    'aside',
    'keyless',
    'back',
  ),
  delayMs: fc.constantFrom(0, 1000, 30_000),
  isNoted: fc.constantFrom(true, true, true, false),
  usedAttempt: fc.boolean(),
  holds: fc.boolean(),
});

export const DELIVERED: Outcome = { kind: 'delivered', delayMs: 0, isNoted: true, usedAttempt: true, holds: false };

/** A worker settles a message that it has. */
export interface Settling {
  work: Work;
  toSettle: AttemptToSettle;
}

export function settlingOf(work: Work, outcome: Outcome): Settling {
  const { message, attempt, verdict } = work;
  const isNoted = outcome.isNoted && outcome.kind !== 'back';
  const record = {
    atMs: Date.UTC(2026, 10, 22, 10),
    outcome: 'failed',
    detail: null,
    httpStatus: 500,
    durationMs: 1,
    usedAttempt: outcome.usedAttempt,
  } as const;
  return {
    work,
    toSettle: {
      id: message.id,
      attempt,
      record: isNoted ? record : null,
      survived: verdict === 'go' || verdict === 'expired',
      settlement: settlementOf(work, outcome),
    },
  };
}

function settlementOf({ message: { page, conversation } }: Work, { kind, delayMs, holds }: Outcome): Settlement {
  switch (kind) {
    case 'delivered':
      return { kind, elapsedMs: 1 };
    case 'backoff':
    case 'hold':
    case 'aside':
    case 'keyless':
      return { kind, delayMs };
    case 'back':
      return { kind };
    case 'dead': {
      const request = { pageId: page, conversationId: conversation, message: { type: 'text', text: 'hello' } } as const;
      return { kind, letter: { ...letter, request }, holds };
    }
  }
}

/** The expected answer, and the changes that follow from it. */
export function expectedResult(model: Model, settling: Settling): SettleResult {
  const { message } = settling.work;
  const { id, attempt, record, survived, settlement } = settling.toSettle;
  const closed = survived ? attempt : `${attempt}!`;
  if (message.place === 'gone') {
    const isOurs = settlement.kind === 'dead' && model.letters.get(id) === closed;
    return isOurs ? { verdict: 'done', delayMs: 0 } : { verdict: 'lost' };
  }
  if (message.place === 'sending' && message.attempt === attempt) return settle(model, settling, closed);
  if (message.place !== 'sending' && message.attempt === closed) {
    count(model, 'told again');
    return { verdict: 'done', delayMs: message.nextAt === null ? 0 : Math.max(0, message.nextAt - model.now) };
  }
  if (record) message.tried += 1;
  if (message.place === 'ended') return { verdict: 'ended' };
  count(model, 'late');
  return { verdict: 'late' };
}

function settle(model: Model, { work: { message }, toSettle }: Settling, closed: string): SettleResult {
  const { record, survived, settlement } = toSettle;
  count(model, `settle ${settlement.kind}`);
  model.locks.delete(message.id);
  if (survived) message.crashes = 0;
  if (settlement.kind === 'back') {
    message.attempt = closed;
    comeBack(message);
    return { verdict: 'done', delayMs: 0 };
  }
  message.attempt = closed;
  if (record) message.tried += 1;
  if (record?.usedAttempt) message.used += 1;
  if (settlement.kind === 'delivered') endMessage(model, message, 'delivered');
  if (settlement.kind === 'dead') {
    endMessage(model, message, 'dead');
    model.letters.set(message.id, closed);
    if (settlement.holds) holdForLetter(model, message);
  }
  if (settlement.kind === 'delivered' || settlement.kind === 'dead') return { verdict: 'done', delayMs: 0 };

  const { now } = model;
  // A wait never outlasts the TTL of the message.
  const nextAt = Math.min(now + settlement.delayMs, Math.max(now, message.expiresAt));
  putOff(message, settlement.kind, nextAt);
  return { verdict: 'done', delayMs: nextAt - now };
}
