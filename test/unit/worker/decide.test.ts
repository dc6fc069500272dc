import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptRecord, OutcomeKind } from '../../../src/shared/model/attempts.ts';
import type { UnknownOutcomePolicy } from '../../../src/shared/model/enqueue-options.ts';
import { decide, type DecideContext, type Decision, usesAttempt } from '../../../src/worker/message/decide.ts';

const kinds = ['delivered', 'rejected', 'failed', 'unknown', 'not-sent', 'held'] as const satisfies OutcomeKind[];
const policies = ['resend', 'dead-letter'] as const satisfies UnknownOutcomePolicy[];

const context: DecideContext = {
  backoffMs: 1000,
  backoffMaxMs: 300_000,
  attemptsUsed: 0,
  attemptsAllowed: 8,
  history: () => [],
  onUnknownOutcome: 'resend',
  pause: { apiMs: 0, keyMs: 0 },
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

const apiDown = (apiMs: number): Partial<DecideContext> => ({ pause: { apiMs, keyMs: 0 } });

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

  it.each<[OutcomeKind, boolean]>([
    ['delivered', false],
    ['rejected', true],
    ['failed', true],
    ['unknown', false],
    ['not-sent', false],
    ['held', false],
  ])('says for %s while the API is down: %s', (kind, used) => {
    for (const policy of policies) expect(usesAttempt({ kind }, policy, 1)).toBe(used);
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

  it('holds the page as long as the API asks', () => {
    const decision: Decision = { kind: 'hold', delayMs: 45_000, page: 'rate-limited' };
    expect(after('held', {}, 45_000)).toEqual(decision);
    expect(decide({ kind: 'held', holdMs: 45_000, scope: 'page' }, context)).toEqual(decision);
    expect(after('held', { attemptsUsed: 8, random: 0 }, 45_000)).toEqual(decision);
  });

  it.each([null, 0])('lengthens the holds where the API asks for %j, instead of asking in a loop', (holdMs) => {
    expect(after('held', {}, holdMs)).toEqual({ kind: 'hold', delayMs: 1000, page: 'rate-limited' });
    const again = after('held', { history: past('held', 'held') }, holdMs);
    expect(again).toEqual({ kind: 'hold', delayMs: 4000, page: 'rate-limited' });
  });

  it('holds a page without a key for exactly as long as it takes to look again', () => {
    const noKey = { kind: 'held', holdMs: 2000, scope: 'missing-key' } as const;
    const decision: Decision = { kind: 'hold', delayMs: 2000, page: 'unauthorized' };
    expect(decide(noKey, context)).toEqual(decision);
    expect(decide(noKey, { ...context, history: past('held', 'held'), random: 0 })).toEqual(decision);
    expect(decide(noKey, { ...context, pause: { apiMs: 9000, keyMs: 9000 } })).toEqual(decision);
  });

  it.each([
    [300, 300],
    [2000, 2000],
    [60_000, 2000],
  ])('looks again at a refused key that pauses for %i ms in %i ms, and leaves its page alone', (keyMs, delayMs) => {
    const refused = { kind: 'held', holdMs: 45_000, scope: 'key' } as const;
    const pause = { apiMs: 7, keyMs };
    expect(decide(refused, { ...context, pause, random: 0 })).toEqual({ kind: 'hold', delayMs });
    expect(decide(refused, { ...context, pause, random: 1 })).toEqual({ kind: 'hold', delayMs: delayMs + 500 });
  });

  it('lengthens the holds for a refused key that nobody could be told of', () => {
    const refused = { kind: 'held', holdMs: null, scope: 'key' } as const;
    expect(decide(refused, context)).toEqual({ kind: 'hold', delayMs: 1000 });
    expect(decide(refused, { ...context, history: past('held') })).toEqual({ kind: 'hold', delayMs: 2000 });
  });

  it.each(['unknown', 'not-sent'] as const)('blames the API and not the message for %s while it is down', (kind) => {
    for (const attemptsUsed of [0, 7, 100]) {
      const history = past('not-sent', 'unknown');
      expect(after(kind, { ...apiDown(800), attemptsUsed, history, random: 0 })).toEqual({
        kind: 'hold',
        delayMs: 800,
      });
      expect(after(kind, { ...apiDown(15_000), attemptsUsed })).toEqual({ kind: 'hold', delayMs: 2500 });
    }
  });

  it('never sends an unknown outcome again under dead-letter, also while the API is down', () => {
    const decision = after('unknown', { ...apiDown(15_000), onUnknownOutcome: 'dead-letter' });
    expect(decision).toEqual({ kind: 'dead', reason: 'unknown-outcome' });
    expect(after('not-sent', { ...apiDown(15_000), onUnknownOutcome: 'dead-letter' })).toMatchObject({ kind: 'hold' });
  });

  it.each(['delivered', 'rejected', 'failed'] as const)('judges %s as ever while API and key are paused', (kind) => {
    expect(after(kind, { pause: { apiMs: 9000, keyMs: 9000 } })).toEqual(after(kind));
  });

  it.each(['unknown', 'not-sent', 'failed'] as const)('lets a paused key have no say in %s', (kind) => {
    expect(after(kind, { pause: { apiMs: 0, keyMs: 9000 } })).toEqual(after(kind));
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

  it('waits after not sent no longer than the longest backoff', () => {
    const history = past(...Array.from({ length: 50 }, () => 'not-sent' as const));
    expect(after('not-sent', { history, backoffMs: 10, backoffMaxMs: 100 })).toEqual({ kind: 'backoff', delayMs: 100 });
    expect(after('not-sent', { history, backoffMs: 60_000 })).toEqual({ kind: 'backoff', delayMs: 30_000 });
  });
});

describe('decide, as a rule', () => {
  const anyPause = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60_000 }));
  const anyContext = fc.record<DecideContext>({
    backoffMs: fc.integer({ min: 1, max: 1000 }),
    backoffMaxMs: fc.integer({ min: 1000, max: 2 ** 31 - 1 }),
    attemptsUsed: fc.nat({ max: 1000 }),
    attemptsAllowed: fc.integer({ min: 1, max: 1000 }),
    history: fc.array(fc.constantFrom(...kinds), { maxLength: 50 }).map((outcomes) => past(...outcomes)),
    onUnknownOutcome: fc.constantFrom(...policies),
    pause: fc.record({ apiMs: anyPause, keyMs: anyPause }),
    random: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const anyHold = fc.oneof(fc.constant(null), fc.nat({ max: 900_000 }));
  const anyScope = fc.constantFrom('page' as const, 'key' as const, 'missing-key' as const);

  it('never ends a message for what was not sent or held, and never counts it', () => {
    const notItsFault = fc.constantFrom('not-sent' as const, 'held' as const);
    fc.assert(
      fc.property(notItsFault, anyHold, anyScope, anyContext, (kind, holdMs, scope, anyPast) => {
        const isHold = kind === 'held' || anyPast.pause.apiMs > 0;
        expect(decide({ kind, holdMs, scope }, anyPast).kind).toBe(isHold ? 'hold' : 'backoff');
        expect(usesAttempt({ kind }, anyPast.onUnknownOutcome, anyPast.pause.apiMs)).toBe(false);
      }),
    );
  });

  it('holds a page only for what concerns the whole page', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), anyHold, anyScope, anyContext, (kind, holdMs, scope, anyPast) => {
        const decision = decide({ kind, holdMs, scope }, anyPast);
        const page = 'page' in decision ? decision.page : undefined;
        const reasons = { page: 'rate-limited', 'missing-key': 'unauthorized', key: undefined };
        expect(page).toBe(kind === 'held' ? reasons[scope] : undefined);
      }),
    );
  });

  it('waits whole ms from 0 to the longest that the case allows', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), anyHold, anyScope, anyContext, (kind, holdMs, scope, anyPast) => {
        const decision = decide({ kind, holdMs, scope }, anyPast);
        if (!('delayMs' in decision)) return;
        expect(Number.isSafeInteger(decision.delayMs)).toBe(true);
        expect(decision.delayMs).toBeGreaterThanOrEqual(0);
        expect(decision.delayMs).toBeLessThanOrEqual(Math.max(anyPast.backoffMaxMs, holdMs ?? 0, 2500));
        if (kind === 'not-sent') expect(decision.delayMs).toBeLessThanOrEqual(30_000);
      }),
    );
  });

  it('tries a message no more often than allowed, and counts nothing while the API is down', () => {
    fc.assert(
      fc.property(fc.constantFrom('failed' as const, 'unknown' as const), anyContext, (kind, anyPast) => {
        const isFinal = kind === 'unknown' && anyPast.onUnknownOutcome === 'dead-letter';
        const isBlameless = kind === 'unknown' && !isFinal && anyPast.pause.apiMs > 0;
        const mayGoOn = isBlameless || anyPast.attemptsUsed + 1 < anyPast.attemptsAllowed;
        expect(decide({ kind, holdMs: null }, anyPast).kind !== 'dead').toBe(mayGoOn && !isFinal);
        expect(usesAttempt({ kind }, anyPast.onUnknownOutcome, anyPast.pause.apiMs)).toBe(!isFinal && !isBlameless);
      }),
    );
  });
});
