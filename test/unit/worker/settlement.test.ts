import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AttemptRecord, encodeAttempt, type NewAttempt } from '../../../src/shared/model/attempts.ts';
import type { DeadReason } from '../../../src/shared/model/dead-letter.ts';
import { NO_KEYS } from '../../../src/shared/sealing/sealing.ts';
import type { Attempt } from '../../../src/worker/message/attempt.ts';
import type { Decision } from '../../../src/worker/message/decide.ts';
import {
  cutResponse,
  deadLetterOf,
  settlementOf,
  type SettlementConfig,
} from '../../../src/worker/message/settlement.ts';
import { takenMessage } from '../../support/taken.ts';
import { answered, judge } from './exchanges.ts';

const request = { pageId: 'p1', conversationId: 'c1', message: { type: 'text' as const, text: 'Hello' } };

const AT = Date.UTC(2026, 0, 5, 12);

function attempt(usedAttempt: boolean): NewAttempt {
  return { atMs: AT, outcome: 'unknown', detail: 'x', httpStatus: 500, durationMs: 3, usedAttempt };
}

/** The same as a letter shows it. */
const shown: AttemptRecord = {
  at: '2026-01-05T12:00:00.000Z',
  outcome: 'unknown',
  detail: 'x',
  httpStatus: 500,
  durationMs: 3,
  usedAttempt: true,
};

const config: SettlementConfig = { attempts: 3, onDeadLetter: 'continue', sealing: NO_KEYS };

const exchange = answered(500, { body: 'oops' });

/** The third attempt, which has failed. */
const failed: Attempt = {
  taken: takenMessage({
    data: JSON.stringify(request),
    enqueuedAtMs: Date.UTC(2026, 0, 5, 11),
    attemptsUsed: 2,
    history: [attempt(true), attempt(true)].map(encodeAttempt).join('\n'),
  }),
  message: { stored: { request }, body: JSON.stringify(request), problem: null },
  policy: 'resend',
  sent: { outcome: judge(exchange), startedAtMs: 0, exchange, keyCircuit: null },
  decision: { kind: 'dead', reason: 'exhausted' },
  record: attempt(true),
};

const letterOf = (more: Partial<Attempt> = {}, reason: DeadReason = 'exhausted') =>
  deadLetterOf({ ...failed, ...more }, reason, config);

describe('what a shard is told', () => {
  const settle = (decision: Decision, more: Partial<Attempt> = {}) =>
    settlementOf({ ...failed, ...more, decision }, config);

  it('is how long after the worker got it a message was delivered, on a clock that nobody sets', () => {
    const taken = { ...failed.taken, takenAt: performance.now() - 5000, receivedAt: performance.now() - 1000 };
    const settlement = settle({ kind: 'delivered', proof: 'hook' }, { taken });
    const elapsedMs = expect.any(Number) as number;
    expect(settlement).toEqual({ kind: 'delivered', elapsedMs, proof: 'hook', answer: '' });
    expect('elapsedMs' in settlement && settlement.elapsedMs).toBeGreaterThanOrEqual(1000);
    expect('elapsedMs' in settlement && settlement.elapsedMs).toBeLessThan(5000);
  });

  it('is the ids of the answer that proves a delivery, and none of an answer that proves nothing', () => {
    const answer = answered(200, { body: '{"success":true,"messageId":"17"}' });
    const sent = { outcome: judge(answer), startedAtMs: 0, exchange: answer, keyCircuit: null };
    const ids = { proof: 'api', answer: '{"messageId":"17"}' };
    expect(settle({ kind: 'delivered', proof: 'api' }, { sent })).toMatchObject(ids);
    expect(settle({ kind: 'delivered', proof: 'hook' }, { sent })).toMatchObject({ proof: 'hook', answer: '' });
  });

  it('is how long a message waits, and whether it was sent', () => {
    expect(settle({ kind: 'backoff', delayMs: 7 })).toEqual({ kind: 'backoff', delayMs: 7 });
    expect(settle({ kind: 'hold', delayMs: 7 })).toEqual({ kind: 'aside', delayMs: 7 });
    const unsent = settlementOf({ ...failed, sent: null, decision: { kind: 'hold', delayMs: 7 } }, config);
    expect(unsent).toEqual({ kind: 'hold', delayMs: 7 });
  });

  it('is the dead letter, and whether its conversation waits for an operator', () => {
    const dead: Decision = { kind: 'dead', reason: 'exhausted' };
    expect(settle(dead)).toEqual({ kind: 'dead', letter: letterOf(), holds: false });
    expect(settlementOf(failed, { ...config, onDeadLetter: 'hold' })).toMatchObject({ kind: 'dead', holds: true });
  });
});

describe('deadLetterOf', () => {
  it('keeps all that is needed to judge and repeat the message', () => {
    expect(letterOf()).toEqual({
      v: 1,
      reason: 'exhausted',
      request,
      enqueuedAt: '2026-01-05T11:00:00.000Z',
      attempts: [shown, shown, shown],
      attemptsUsed: 3,
      attemptsAllowed: 3,
      response: { httpStatus: 500, body: 'oops' },
      label: null,
      replayOf: null,
    });
  });

  it('keeps label, policy and origin of a replay', () => {
    const stored = { request, label: 'spring', onUnknownOutcome: 'dead-letter', replayOf: '0-01H' } as const;
    const letter = letterOf({ message: { ...failed.message, stored } });
    expect(letter).toMatchObject({ label: 'spring', onUnknownOutcome: 'dead-letter', replayOf: '0-01H' });
  });

  it('counts only attempts that count, and adds none that was not made', () => {
    expect(letterOf({ record: attempt(false) })).toMatchObject({ attemptsUsed: 2 });
    expect(letterOf({ record: null, sent: null }, 'expired')).toMatchObject({
      attemptsUsed: 2,
      attempts: [shown, shown],
      response: null,
    });
  });

  it('keeps what was stored when it can not be read as a message', () => {
    const taken = { ...failed.taken, data: '{"v":9,"body":"?"}' };
    const message = { stored: null, body: null, problem: 'what it is' };
    expect(letterOf({ taken, message, record: null, sent: null }, 'undecodable')).toMatchObject({
      request: null,
      stored: { v: 9, body: '?' },
      problem: 'what it is',
      label: null,
      replayOf: null,
    });
  });
});

describe('cutResponse', () => {
  it.each([
    ['nothing', ''],
    ['a short answer', '{"success":false}'],
    ['exactly 2 KiB', 'x'.repeat(2048)],
    ['exactly 2 KiB in characters of several bytes', `${'ế'.repeat(682)}ab`],
  ])('keeps %s whole', (_what, body) => {
    expect(cutResponse(400, body)).toEqual({ httpStatus: 400, body });
  });

  it.each([
    ['one byte too long', 'x'.repeat(2049), 'x'.repeat(2048)],
    ['with a character of three bytes across the cut', 'ế'.repeat(683), 'ế'.repeat(682)],
    ['with an emoji across the cut', `${'x'.repeat(2046)}👋`, 'x'.repeat(2046)],
  ])('cuts an answer %s between characters', (_what, body, kept) => {
    expect(cutResponse(500, body)).toEqual({ httpStatus: 500, body: kept });
  });

  it('gives nothing when there was no answer', () => {
    expect(cutResponse(null, '')).toBeNull();
  });

  it('keeps the beginning of any answer, within 2 KiB and without half characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 600, maxLength: 3000, size: 'max' }), (body) => {
        const kept = cutResponse(400, body)?.body ?? '';
        expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(2048);
        expect(body.startsWith(kept)).toBe(true);
        if (kept !== body) expect(Buffer.byteLength(kept)).toBeGreaterThan(2048 - 4);
      }),
      { numRuns: 30 },
    );
  });
});
