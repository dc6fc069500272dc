import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptRecord, OutcomeKind } from '../../../src/shared/model/attempts.ts';
import type { UnknownOutcomePolicy } from '../../../src/shared/model/enqueue-options.ts';
import type { Scope } from '../../../src/worker/evidence/scope.ts';
import { ABOUT_ITSELF, type Told } from '../../../src/worker/fleet/told.ts';
import { resolvedDetail } from '../../../src/worker/message/uncertain.ts';
import { decide, type DecideContext, type Decision, usesAttempt } from '../../../src/worker/message/decide.ts';

const kinds = ['delivered', 'rejected', 'failed', 'unknown', 'not-sent', 'held'] as const satisfies OutcomeKind[];
const policies = ['resend', 'dead-letter'] as const satisfies UnknownOutcomePolicy[];
const wideScopes = ['page', 'key', 'api'] as const;
const scopes = ['conversation', ...wideScopes] as const satisfies Scope[];
const troubles = ['limited', 'unauthorized', 'forbidden', 'no-key'] as const;

const context: DecideContext = {
  backoffMs: 1000,
  backoffMaxMs: 300_000,
  attemptsUsed: 0,
  attemptsAllowed: 8,
  history: () => [],
  onUnknownOutcome: 'resend',
  told: ABOUT_ITSELF,
  random: 1,
};

function past(...outcomes: OutcomeKind[]): () => AttemptRecord[] {
  const records = outcomes.map((outcome) => ({
    at: '2026-01-05T12:00:00.000Z',
    outcome,
    detail: null,
    httpStatus: null,
    durationMs: 1,
    usedAttempt: false,
  }));
  return () => records;
}

function after(kind: OutcomeKind, overrides: Partial<DecideContext> = {}, holdMs: number | null = null): Decision {
  return decide({ kind, holdMs }, { ...context, ...overrides });
}

/** The fleet thinks that the trouble concerns so much, and holds it. */
const holding = (scope: Scope, delayMs: number, isPaced = false): Pick<DecideContext, 'told'> => ({
  told: { ...ABOUT_ITSELF, scope, delayMs, isPaced },
});

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

  it.each<[OutcomeKind, boolean, boolean, boolean]>([
    ['delivered', false, false, false],
    ['rejected', false, false, false],
    ['failed', true, true, true],
    ['unknown', true, false, false],
    ['not-sent', false, false, false],
    ['held', false, false, false],
  ])('says for %s while a page, a key or the API is the cause: %s, %s, %s', (kind, ...used) => {
    expect(wideScopes.map((scope) => usesAttempt({ kind }, 'resend', { scope, isProbe: false }))).toEqual(used);
  });

  it('says that the unknown outcome of a probe uses none, although only a page fails', () => {
    expect(usesAttempt({ kind: 'unknown' }, 'resend', { scope: 'page', isProbe: true })).toBe(false);
  });

  it.each([...scopes])('says that no unknown outcome under dead-letter does, with a trouble of the %s', (scope) => {
    expect(usesAttempt({ kind: 'unknown' }, 'dead-letter', { scope, isProbe: false })).toBe(false);
  });
});

describe('decide', () => {
  it.each([...policies])('ends a delivered message, and a refused one as rejected, under %s', (onUnknownOutcome) => {
    for (const attemptsUsed of [0, 6, 7, 8, 100]) {
      expect(after('delivered', { onUnknownOutcome, attemptsUsed })).toEqual({ kind: 'delivered', proof: 'api' });
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

  it('holds a message as long as the API asks', () => {
    const decision: Decision = { kind: 'hold', delayMs: 45_000 };
    for (const trouble of troubles) {
      expect(decide({ kind: 'held', holdMs: 45_000, trouble }, context)).toEqual(decision);
    }
    expect(after('held', {}, 45_000)).toEqual(decision);
    expect(after('held', { attemptsUsed: 8, random: 0 }, 45_000)).toEqual(decision);
  });

  it.each([null, 0])('lengthens the holds where the API asks for %j, instead of asking in a loop', (holdMs) => {
    expect(after('held', {}, holdMs)).toEqual({ kind: 'hold', delayMs: 1000 });
    expect(after('held', { history: past('held', 'held') }, holdMs)).toEqual({ kind: 'hold', delayMs: 4000 });
  });

  it('holds a message without a key for exactly as long as it takes to look again', () => {
    const noKey = { kind: 'held', holdMs: 2000, trouble: 'no-key' } as const;
    const decision: Decision = { kind: 'hold', delayMs: 2000 };
    expect(decide(noKey, context)).toEqual(decision);
    expect(decide(noKey, { ...context, history: past('held', 'held'), random: 0 })).toEqual(decision);
    expect(decide(noKey, { ...context, ...holding('page', 9000) })).toEqual(decision);
  });

  const putOff = [
    ['held', 'page'],
    ['held', 'key'],
    ['held', 'api'],
    ['rejected', 'page'],
    ['rejected', 'key'],
    ['rejected', 'api'],
    ['unknown', 'key'],
    ['unknown', 'api'],
    ['not-sent', 'page'],
    ['not-sent', 'key'],
    ['not-sent', 'api'],
  ] as const;

  it.each(putOff)('blames not the message for %s while the %s is the cause: it looks again soon', (kind, scope) => {
    const history = past('not-sent', 'unknown');
    for (const attemptsUsed of [0, 7, 100]) {
      const looks = (delayMs: number, random: number): Decision =>
        after(kind, { ...holding(scope, delayMs), attemptsUsed, history, random }, 45_000);
      expect(looks(300, 0)).toEqual({ kind: 'hold', delayMs: 300 });
      expect(looks(300, 1)).toEqual({ kind: 'hold', delayMs: 800 });
      expect(looks(15_000, 0)).toEqual({ kind: 'hold', delayMs: 2000 });
      expect(looks(15_000, 1)).toEqual({ kind: 'hold', delayMs: 2500 });
    }
  });

  it.each(putOff)('waits for the end of the pause at a pace, since it gets a slot then: %s, %s', (kind, scope) => {
    for (const random of [0, 1]) {
      expect(after(kind, { ...holding(scope, 15_000.2, true), random })).toEqual({ kind: 'hold', delayMs: 15_001 });
    }
  });

  it('tries an unknown outcome again by itself while its page is the cause: it may be the cause, or probe the page', () => {
    for (const attemptsUsed of [0, 3, 7]) {
      expect(after('unknown', { ...holding('page', 9000), attemptsUsed })).toEqual(after('unknown', { attemptsUsed }));
    }
  });

  it.each(scopes)('never sends an unknown outcome again under dead-letter, with a trouble of the %s', (scope) => {
    const more = { ...holding(scope, 15_000), onUnknownOutcome: 'dead-letter' } as const;
    expect(after('unknown', more)).toEqual({ kind: 'dead', reason: 'unknown-outcome' });
    expect(after('not-sent', more).kind).toBe(scope === 'conversation' ? 'backoff' : 'hold');
  });

  it.each(['delivered', 'failed'] as const)('judges %s as ever, whatever is held', (kind) => {
    for (const scope of wideScopes) expect(after(kind, holding(scope, 9000))).toEqual(after(kind));
  });

  it('reads the past of a message only where it decides', () => {
    let reads = 0;
    const history = (): AttemptRecord[] => {
      reads += 1;
      return [];
    };
    for (const kind of ['delivered', 'rejected', 'failed', 'unknown'] as const) after(kind, { history });
    after('held', { history }, 45_000);
    expect(reads).toBe(0);
    after('not-sent', { history });
    expect(reads).toBe(1);
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

  it('takes an unknown outcome that a hook found not sent for one that was not sent', () => {
    const [found] = past('unknown')();
    const history = found ? [{ ...found, detail: resolvedDetail('HTTP 500', 'not-sent') }] : [];
    expect(after('not-sent', { history: () => history })).toEqual({ kind: 'backoff', delayMs: 2000 });
  });

  it('waits after not sent no longer than the longest backoff', () => {
    const history = past(...Array.from({ length: 50 }, () => 'not-sent' as const));
    expect(after('not-sent', { history, backoffMs: 10, backoffMaxMs: 100 })).toEqual({ kind: 'backoff', delayMs: 100 });
    expect(after('not-sent', { history, backoffMs: 60_000 })).toEqual({ kind: 'backoff', delayMs: 30_000 });
  });
});

describe('decide, as a rule', () => {
  const anyTold = fc.record<Told>({
    scope: fc.constantFrom(...scopes),
    delayMs: fc.double({ min: 1, max: 60_000, noNaN: true }),
    isPaced: fc.boolean(),
    isProbe: fc.boolean(),
    isRecipientRefused: fc.boolean(),
  });
  const anyContext = fc.record<DecideContext>({
    backoffMs: fc.integer({ min: 1, max: 1000 }),
    backoffMaxMs: fc.integer({ min: 1000, max: 2 ** 31 - 1 }),
    attemptsUsed: fc.nat({ max: 1000 }),
    attemptsAllowed: fc.integer({ min: 1, max: 1000 }),
    history: fc.array(fc.constantFrom(...kinds), { maxLength: 50 }).map((outcomes) => past(...outcomes)),
    onUnknownOutcome: fc.constantFrom(...policies),
    told: anyTold,
    random: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const anyHold = fc.oneof(fc.constant(null), fc.nat({ max: 900_000 }));
  const anyTrouble = fc.constantFrom(...troubles);

  it('never ends a message for what was not sent or held, and never counts it', () => {
    const notItsFault = fc.constantFrom('not-sent' as const, 'held' as const);
    fc.assert(
      fc.property(notItsFault, anyHold, anyTrouble, anyContext, (kind, holdMs, trouble, anyPast) => {
        const isHold = kind === 'held' || anyPast.told.scope !== 'conversation';
        expect(decide({ kind, holdMs, trouble }, anyPast).kind).toBe(isHold ? 'hold' : 'backoff');
        expect(usesAttempt({ kind }, anyPast.onUnknownOutcome, anyPast.told)).toBe(false);
      }),
    );
  });

  it('waits whole ms from 0 to the longest that the case allows', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), anyHold, anyTrouble, anyContext, (kind, holdMs, trouble, anyPast) => {
        const decision = decide({ kind, holdMs, trouble }, anyPast);
        if (!('delayMs' in decision)) return;
        const { told, backoffMaxMs } = anyPast;
        const pausedMs = told.isPaced ? Math.ceil(told.delayMs) : 2500;
        expect(Number.isSafeInteger(decision.delayMs)).toBe(true);
        expect(decision.delayMs).toBeGreaterThanOrEqual(0);
        expect(decision.delayMs).toBeLessThanOrEqual(Math.max(backoffMaxMs, holdMs ?? 0, pausedMs));
        if (kind === 'not-sent') expect(decision.delayMs).toBeLessThanOrEqual(Math.max(30_000, pausedMs));
      }),
    );
  });

  it('tries a message no more often than allowed, and counts nothing that its key or the API is to blame for', () => {
    fc.assert(
      fc.property(fc.constantFrom('failed' as const, 'unknown' as const), anyContext, (kind, anyPast) => {
        const { onUnknownOutcome, told, attemptsUsed, attemptsAllowed } = anyPast;
        const isFinal = kind === 'unknown' && onUnknownOutcome === 'dead-letter';
        const isBlameless =
          kind === 'unknown' && !isFinal && (told.scope === 'key' || told.scope === 'api' || told.isProbe);
        const mayGoOn = isBlameless || attemptsUsed + 1 < attemptsAllowed;
        expect(decide({ kind, holdMs: null }, anyPast).kind !== 'dead').toBe(mayGoOn && !isFinal);
        expect(usesAttempt({ kind }, onUnknownOutcome, told)).toBe(!isFinal && !isBlameless);
      }),
    );
  });

  it('ends a message as rejected exactly if it alone is refused', () => {
    fc.assert(
      fc.property(anyContext, (anyPast) => {
        const isAlone = anyPast.told.scope === 'conversation';
        expect(decide({ kind: 'rejected', holdMs: null }, anyPast).kind).toBe(isAlone ? 'dead' : 'hold');
        expect(usesAttempt({ kind: 'rejected' }, anyPast.onUnknownOutcome, anyPast.told)).toBe(isAlone);
      }),
    );
  });
});
