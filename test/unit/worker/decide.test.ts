import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptRecord, OutcomeKind } from '../../../src/shared/attempts.ts';
import type { UnknownOutcomePolicy } from '../../../src/shared/enqueue-options.ts';
import { decide, type DecideContext, type Decision, usesAttempt } from '../../../src/worker/decide.ts';

const kinds = ['delivered', 'rejected', 'failed', 'unknown', 'not-sent', 'held'] as const satisfies OutcomeKind[];
const policies = ['resend', 'dead-letter'] as const satisfies UnknownOutcomePolicy[];

const context: DecideContext = {
  backoffMs: 1000,
  backoffMaxMs: 300_000,
  attemptsUsed: 0,
  attemptsAllowed: 8,
  history: [],
  onUnknownOutcome: 'resend',
  random: 1,
};

function past(...outcomes: OutcomeKind[]): AttemptRecord[] {
  return outcomes.map((outcome) => ({
    at: '2026-01-05T12:00:00.000Z',
    outcome,
    detail: null,
    httpStatus: null,
    durationMs: 1,
    usedAttempt: false,
  }));
}

function after(kind: OutcomeKind, overrides: Partial<DecideContext> = {}, holdMs: number | null = null): Decision {
  return decide({ kind, holdMs }, { ...context, ...overrides });
}

describe('usesAttempt', () => {
  it.each<[OutcomeKind, UnknownOutcomePolicy, boolean]>([
    ['delivered', 'resend', false],
    ['delivered', 'dead-letter', false],
    ['rejected', 'resend', true],
    ['rejected', 'dead-letter', true],
    ['failed', 'resend', true],
    ['failed', 'dead-letter', true],
    ['unknown', 'resend', true],
    ['unknown', 'dead-letter', false],
    ['not-sent', 'resend', false],
    ['not-sent', 'dead-letter', false],
    ['held', 'resend', false],
    ['held', 'dead-letter', false],
  ])('says for %s under %s: %s', (kind, policy, used) => {
    expect(usesAttempt({ kind }, policy)).toBe(used);
  });
});

describe('decide', () => {
  it.each([...policies])('ends a delivered message, and a refused one as rejected, under %s', (onUnknownOutcome) => {
    for (const attemptsUsed of [0, 6, 7, 8, 100]) {
      expect(after('delivered', { onUnknownOutcome, attemptsUsed })).toEqual({ kind: 'delivered' });
      expect(after('rejected', { onUnknownOutcome, attemptsUsed })).toEqual({ kind: 'dead', reason: 'rejected' });
    }
  });

  it.each<[number, Decision]>([
    [0, { kind: 'backoff', delayMs: 1000 }],
    [1, { kind: 'backoff', delayMs: 2000 }],
    [6, { kind: 'backoff', delayMs: 64_000 }],
    [7, { kind: 'dead', reason: 'exhausted' }],
    [8, { kind: 'dead', reason: 'exhausted' }],
  ])('with %i of 8 attempts used, answers another failure with %j', (attemptsUsed, decision) => {
    expect(after('failed', { attemptsUsed })).toEqual(decision);
    expect(after('failed', { attemptsUsed, onUnknownOutcome: 'dead-letter' })).toEqual(decision);
    expect(after('unknown', { attemptsUsed })).toEqual(decision);
  });

  it('gives up at once when one attempt is all that is allowed', () => {
    expect(after('failed', { attemptsAllowed: 1 })).toEqual({ kind: 'dead', reason: 'exhausted' });
  });

  it.each([0, 7, 8])(
    'never sends an unknown outcome again under dead-letter, with %i attempts used',
    (attemptsUsed) => {
      expect(after('unknown', { attemptsUsed, onUnknownOutcome: 'dead-letter' })).toEqual({
        kind: 'dead',
        reason: 'unknown-outcome',
      });
    },
  );

  it('holds as long as the API asks', () => {
    expect(after('held', {}, 45_000)).toEqual({ kind: 'hold', delayMs: 45_000 });
    expect(after('held', { attemptsUsed: 8, random: 0 }, 45_000)).toEqual({ kind: 'hold', delayMs: 45_000 });
  });

  it.each([null, 0])('lengthens the holds where the API asks for %j, instead of asking in a loop', (holdMs) => {
    expect(after('held', {}, holdMs)).toEqual({ kind: 'hold', delayMs: 1000 });
    expect(after('held', { history: past('held', 'held') }, holdMs)).toEqual({ kind: 'hold', delayMs: 4000 });
  });

  it.each<[string, OutcomeKind[], number]>([
    ['nothing before', [], 1000],
    ['one not sent before', ['not-sent'], 2000],
    ['not sent and held before', ['not-sent', 'held'], 4000],
    ['an unknown before', ['not-sent', 'not-sent', 'unknown'], 1000],
    ['an unknown further back', ['not-sent', 'unknown', 'not-sent'], 2000],
    ['a whole history of them', Array.from({ length: 50 }, () => 'not-sent' as const), 30_000],
  ])('tries again soon what was not sent, with %s', (_what, outcomes, delayMs) => {
    expect(after('not-sent', { history: past(...outcomes) })).toEqual({ kind: 'backoff', delayMs });
  });

  it('waits after not sent no longer than the longest backoff', () => {
    const history = past(...Array.from({ length: 50 }, () => 'not-sent' as const));
    expect(after('not-sent', { history, backoffMs: 10, backoffMaxMs: 100 })).toEqual({ kind: 'backoff', delayMs: 100 });
    expect(after('not-sent', { history, backoffMs: 60_000 })).toEqual({ kind: 'backoff', delayMs: 30_000 });
  });
});

describe('decide, as a rule', () => {
  const anyContext = fc.record<DecideContext>({
    backoffMs: fc.integer({ min: 1, max: 1000 }),
    backoffMaxMs: fc.integer({ min: 1000, max: 2 ** 31 - 1 }),
    attemptsUsed: fc.nat({ max: 1000 }),
    attemptsAllowed: fc.integer({ min: 1, max: 1000 }),
    history: fc.array(fc.constantFrom(...kinds), { maxLength: 50 }).map((outcomes) => past(...outcomes)),
    onUnknownOutcome: fc.constantFrom(...policies),
    random: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const anyHold = fc.oneof(fc.constant(null), fc.nat({ max: 900_000 }));

  it('never ends a message for what was not sent or held, and never counts it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('not-sent' as const, 'held' as const),
        anyHold,
        anyContext,
        (kind, holdMs, anyPast) => {
          expect(decide({ kind, holdMs }, anyPast).kind).toBe(kind === 'held' ? 'hold' : 'backoff');
          expect(usesAttempt({ kind }, anyPast.onUnknownOutcome)).toBe(false);
        },
      ),
    );
  });

  it('waits whole ms from 0 to the longest that the case allows', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), anyHold, anyContext, (kind, holdMs, anyPast) => {
        const decision = decide({ kind, holdMs }, anyPast);
        if (!('delayMs' in decision)) return;
        expect(Number.isSafeInteger(decision.delayMs)).toBe(true);
        expect(decision.delayMs).toBeGreaterThanOrEqual(0);
        expect(decision.delayMs).toBeLessThanOrEqual(Math.max(anyPast.backoffMaxMs, holdMs ?? 0));
        if (kind === 'not-sent') expect(decision.delayMs).toBeLessThanOrEqual(30_000);
      }),
    );
  });

  it('never tries more often than allowed', () => {
    fc.assert(
      fc.property(fc.constantFrom('failed' as const, 'unknown' as const), anyContext, (kind, anyPast) => {
        const goesOn = decide({ kind, holdMs: null }, anyPast).kind === 'backoff';
        const mayGoOn = anyPast.attemptsUsed + 1 < anyPast.attemptsAllowed;
        const isFinal = kind === 'unknown' && anyPast.onUnknownOutcome === 'dead-letter';
        expect(goesOn).toBe(mayGoOn && !isFinal);
      }),
    );
  });
});
