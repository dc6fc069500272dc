import type { Job } from 'bullmq';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptRecord } from '../../../src/shared/attempts.ts';
import { NO_KEYS } from '../../../src/shared/sealing/sealing.ts';
import { cutResponse, type Death, deadLetterOf, type MessageContext } from '../../../src/worker/message-context.ts';

const request = { pageId: 'p1', conversationId: 'c1', message: { type: 'text' as const, text: 'Hello' } };

function attempt(usedAttempt: boolean): AttemptRecord {
  return {
    at: '2026-01-05T12:00:00.000Z',
    outcome: 'unknown',
    detail: 'x',
    httpStatus: 500,
    durationMs: 3,
    usedAttempt,
  };
}

const context: MessageContext = {
  job: { data: { v: 1, request }, timestamp: Date.UTC(2026, 0, 5, 11) } as Job,
  id: '0-01J',
  token: 'token',
  payload: { v: 1, request },
  claimed: { attemptsUsed: 2, history: [attempt(true), attempt(true)], lockMs: 20_000, openAttempt: 'a.1' },
};
const death: Death = { reason: 'exhausted', record: attempt(true), response: null, attemptsAllowed: 3 };

describe('deadLetterOf', () => {
  it('keeps all that is needed to judge and repeat the message', () => {
    const response = { httpStatus: 500, body: 'oops' };
    expect(deadLetterOf(context, { ...death, response }, NO_KEYS)).toEqual({
      v: 1,
      reason: 'exhausted',
      request,
      enqueuedAt: '2026-01-05T11:00:00.000Z',
      attempts: [attempt(true), attempt(true), attempt(true)],
      attemptsUsed: 3,
      attemptsAllowed: 3,
      response,
      label: null,
      replayOf: null,
    });
  });

  it('keeps label, policy and origin of a replay', () => {
    const payload = { v: 1, request, label: 'spring', onUnknownOutcome: 'dead-letter', replayOf: '0-01H' } as const;
    const letter = deadLetterOf({ ...context, payload }, death, NO_KEYS);
    expect(letter).toMatchObject({ label: 'spring', onUnknownOutcome: 'dead-letter', replayOf: '0-01H' });
  });

  it('counts only attempts that count, and adds none that was not made', () => {
    expect(deadLetterOf(context, { ...death, record: attempt(false) }, NO_KEYS)).toMatchObject({ attemptsUsed: 2 });
    expect(deadLetterOf(context, { ...death, reason: 'expired', record: null }, NO_KEYS)).toMatchObject({
      attemptsUsed: 2,
      attempts: [attempt(true), attempt(true)],
    });
  });

  it('keeps what was stored when it can not be read as a message', () => {
    const job = { data: { v: 9, body: '?' }, timestamp: 0 } as Job;
    const letter = deadLetterOf(
      { ...context, job, payload: null },
      { ...death, reason: 'undecodable', record: null },
      NO_KEYS,
    );
    expect(letter).toMatchObject({ request: null, stored: { v: 9, body: '?' }, label: null, replayOf: null });
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
