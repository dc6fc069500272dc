import { describe, expect, it } from 'vitest';
import type { OpenAttempt } from '../../../src/shared/lanes/messages/open-attempt.ts';
import { encodeAttempt, type NewAttempt, type OutcomeKind } from '../../../src/shared/model/attempts.ts';
import type { DeadReason } from '../../../src/shared/model/dead-letter.ts';
import type { UnknownOutcomePolicy } from '../../../src/shared/model/enqueue-options.ts';
import { NO_KEYS } from '../../../src/shared/sealing/sealing.ts';
import { createEngineErrors } from '../../../src/worker/fleet/engine-errors.ts';
import type { Admission } from '../../../src/worker/fleet/fleet-view.ts';
import { ABOUT_ITSELF } from '../../../src/worker/fleet/told.ts';
import type { Exchange } from '../../../src/worker/http/exchange.ts';
import { Stop } from '../../../src/worker/http/stop-signal.ts';
import type { TakenHere } from '../../../src/worker/message/attempt.ts';
import { createProcessor } from '../../../src/worker/message/process.ts';
import type { Question, Resolution } from '../../../src/worker/message/resolve-unknown.ts';
import { createResolver } from '../../../src/worker/message/resolver.ts';
import { takenMessage } from '../../support/taken.ts';
import { answered, judge } from './exchanges.ts';
import { readableLogger } from './log-lines.ts';

const OPENED_MS = Date.UTC(2026, 0, 5, 12);

interface Scene {
  /** What the hook says; `undefined` without a hook. */
  resolution?: Resolution;
  policy?: UnknownOutcomePolicy;
  exchange?: Exchange;
  open?: OpenAttempt | Error;
  admission?: Admission;
}

async function processed(
  taken: Partial<TakenHere>,
  { resolution, policy = 'resend', exchange = answered(500), open, admission = { kind: 'go' } }: Scene = {},
) {
  const { logger } = readableLogger();
  const errors = createEngineErrors({ logger, noted: () => {} });
  const asked: { question: Question; lockedUntil: number }[] = [];
  const givenUp: string[] = [];
  let sends = 0;
  const resolver =
    resolution &&
    createResolver({
      ask(question, lockedUntil) {
        asked.push({ question, lockedUntil });
        return Promise.resolve(resolution);
      },
      readOpenAttempt() {
        if (open instanceof Error) throw open;
        return Promise.resolve(open ?? { openedAtMs: OPENED_MS, isPastCrashed: false });
      },
      errors,
    });
  const process = createProcessor({
    config: { attempts: 3, backoffMs: 1000, backoffMaxMs: 1000, onUnknownOutcome: policy, onDeadLetter: 'continue' },
    send() {
      sends += 1;
      return Promise.resolve({ outcome: judge(exchange), startedAtMs: OPENED_MS, exchange, keyCircuit: 'key' });
    },
    fleet: {
      tell: () => ABOUT_ITSELF,
      isAnythingOpen: () => admission.kind !== 'go',
      admit: () => Promise.resolve(admission),
      apiProbes: () => ['the API'],
      giveUp: (fields) => Promise.resolve(void givenUp.push(...fields)),
    },
    keyring: { keyFor: () => ({ apiKey: 'key', circuit: 'key' }) },
    sealing: NO_KEYS,
    errors,
    resolver,
  });
  const ended = await process(takenMessage({ enqueuedAtMs: 1000, ...taken }), 60_000, new Stop());
  const { decision, record } = ended.attempt;
  return { decision, record, settlement: ended.settlement, asked, sends, givenUp };
}

function before(outcome: OutcomeKind, detail: string | null = null, atMs = OPENED_MS): string {
  const attempt: NewAttempt = { atMs, outcome, detail, httpStatus: null, durationMs: 1, usedAttempt: true };
  return encodeAttempt(attempt);
}

const byHook = { kind: 'delivered', proof: 'hook' };
const BACKOFF = { kind: 'backoff', delayMs: expect.any(Number) as number };
const DIED = 'the worker died while the request was open';

describe('a message whose last outcome is unknown', () => {
  const taken = { history: before('unknown', 'no answer in 10 ms'), attemptsUsed: 1 };

  it('is delivered without a request if the hook says so, and gives up its probe', async () => {
    const scene = { resolution: 'delivered', admission: { kind: 'probe', fields: ['the page'] } } as const;
    const { decision, record, settlement, sends, givenUp } = await processed({ ...taken, isProbe: true }, scene);
    expect(decision).toEqual(byHook);
    const detail = 'resolveUnknown: delivered, nothing was sent';
    expect(record).toMatchObject({ outcome: 'delivered', detail, httpStatus: null, usedAttempt: false });
    expect(settlement).toMatchObject({ kind: 'delivered', proof: 'hook', answer: '' });
    expect(sends).toBe(0);
    expect(givenUp).toEqual(['the page', 'the API']);
  });

  it.each<[Resolution | undefined, string]>([
    ['not-sent', 'HTTP 500; resolveUnknown on the attempts before: not-sent'],
    ['unknown', 'HTTP 500'],
    [undefined, 'HTTP 500'],
  ])('is sent again if the hook says %s', async (resolution, detail) => {
    const { decision, record, sends } = await processed(taken, resolution && { resolution });
    expect(decision).toEqual(BACKOFF);
    expect(record).toMatchObject({ outcome: 'unknown', detail, usedAttempt: true });
    expect(sends).toBe(1);
  });

  it('is asked about with what the hook needs, under the lock', async () => {
    const history = [before('unknown', 'first'), before('unknown', 'second', OPENED_MS + 5000), before('held')];
    const { asked } = await processed({ history: history.join('\n'), label: 'sale' }, { resolution: 'not-sent' });
    expect(asked).toMatchObject([
      {
        question: {
          label: 'sale',
          uncertain: { attempt: { detail: 'second' }, since: new Date(OPENED_MS).toISOString() },
        },
        lockedUntil: 60_000,
      },
    ]);
  });

  it.each<[string, string]>([
    ['on its first attempt', ''],
    ['if nothing before is unknown', before('not-sent')],
    ['if the hook has said before that it was not sent', before('unknown', 'x; resolveUnknown: not-sent')],
  ])('is not asked about %s', async (_when, history) => {
    const { asked, decision } = await processed({ history }, { resolution: 'delivered', exchange: answered(200) });
    expect(asked).toEqual([]);
    expect(decision).toEqual({ kind: 'delivered', proof: 'api' });
  });

  it('is not asked about while it waits for a circuit', async () => {
    const admission = { kind: 'hold', delayMs: 1, isSlot: true } as const;
    const { asked, decision } = await processed(taken, { resolution: 'delivered', admission });
    expect(asked).toEqual([]);
    expect(decision).toEqual({ kind: 'hold', delayMs: 1 });
  });
});

describe('a message that an unknown outcome would kill', () => {
  interface Death {
    what: string;
    taken?: Partial<TakenHere>;
    policy?: UnknownOutcomePolicy;
    reason: DeadReason;
    detail: string;
  }
  const unknownOutcome = { policy: 'dead-letter', reason: 'unknown-outcome' } as const;
  const deaths: Death[] = [
    { what: 'under dead-letter', ...unknownOutcome, detail: 'HTTP 500' },
    { what: 'with its last attempt', taken: { attemptsUsed: 2 }, reason: 'exhausted', detail: 'HTTP 500' },
    { what: 'under dead-letter, its worker died', taken: { verdict: 'unknown' }, ...unknownOutcome, detail: DIED },
    {
      what: 'with its last attempt, its worker died',
      taken: { verdict: 'unknown', attemptsUsed: 2 },
      reason: 'exhausted',
      detail: DIED,
    },
  ];

  it.each(deaths)('is delivered if the hook says so: $what', async ({ taken = {}, policy = 'resend', detail }) => {
    const { decision, record, settlement } = await processed(taken, { policy, resolution: 'delivered' });
    expect(decision).toEqual(byHook);
    expect(record).toMatchObject({ outcome: 'unknown', detail: `${detail}; resolveUnknown: delivered` });
    expect(settlement).toMatchObject({ kind: 'delivered', proof: 'hook', answer: '' });
  });

  it.each(deaths)(
    'is put off without an attempt if it was not sent: $what',
    async ({ taken = {}, policy = 'resend', detail }) => {
      const { decision, record } = await processed(taken, { policy, resolution: 'not-sent' });
      expect(decision).toEqual(BACKOFF);
      const resolved = `${detail}; resolveUnknown: not-sent`;
      expect(record).toMatchObject({ outcome: 'unknown', detail: resolved, usedAttempt: false });
    },
  );

  it.each(deaths)(
    'dies if the hook knows nothing: $what',
    async ({ taken = {}, policy = 'resend', reason, detail }) => {
      const { decision, record, asked } = await processed(taken, { policy, resolution: 'unknown' });
      expect(decision).toEqual({ kind: 'dead', reason });
      expect(record).toMatchObject({ outcome: 'unknown', detail });
      expect(asked).toMatchObject([{ lockedUntil: Infinity }]);
      expect(await processed(taken, { policy })).toMatchObject({ decision, asked: [] });
    },
  );

  it.each(['failed', 'rejected'] as const)('is not asked about if its outcome is %s', async (word) => {
    const exchange = answered(word === 'rejected' ? 400 : 200, { body: '{"success":false}' });
    const { asked, decision } = await processed({ attemptsUsed: 2 }, { resolution: 'delivered', exchange });
    expect(asked).toEqual([]);
    expect(decision.kind).toBe('dead');
  });

  it('is not asked about if its content can not be read', async () => {
    const taken = { verdict: 'unknown', data: 'no message' } as const;
    const { asked, decision } = await processed(taken, { resolution: 'delivered', policy: 'dead-letter' });
    expect(asked).toEqual([]);
    expect(decision).toEqual({ kind: 'dead', reason: 'undecodable' });
  });
});

describe('a message that has killed as many workers as it may', () => {
  const taken = { verdict: 'crashed' } as const;
  const crashed = { kind: 'dead', reason: 'crashed' };

  it.each<[Resolution, object, string]>([
    ['delivered', byHook, `${DIED}; resolveUnknown: delivered`],
    ['not-sent', crashed, `${DIED}; resolveUnknown: not-sent`],
    ['unknown', crashed, DIED],
  ])('is not sent again, whatever the hook says: %s', async (resolution, decision, detail) => {
    const ended = await processed(taken, { resolution });
    expect(ended).toMatchObject({ decision, record: { outcome: 'unknown', detail }, sends: 0 });
  });

  it('is not asked about again if a worker died of that', async () => {
    const open = { openedAtMs: OPENED_MS, isPastCrashed: true };
    expect(await processed(taken, { resolution: 'delivered', open })).toMatchObject({ decision: crashed, asked: [] });
  });
});

describe('the attempt of a dead worker', () => {
  const taken = { verdict: 'unknown' } as const;

  it('began when it was opened, which the hook and the history learn', async () => {
    const { record, asked } = await processed(taken, { policy: 'dead-letter', resolution: 'unknown' });
    expect(record?.atMs).toBe(OPENED_MS);
    expect(asked).toMatchObject([{ question: { uncertain: { since: new Date(OPENED_MS).toISOString() } } }]);
  });

  it.each<[string, OpenAttempt | Error, Partial<TakenHere>, number]>([
    ['is not known', { openedAtMs: null, isPastCrashed: false }, {}, 1000],
    ['can not be read', new Error('no'), {}, 1000],
    ['is not known, nor when the message was stored', new Error('no'), { enqueuedAtMs: Number.NaN }, 0],
  ])('began when the message was stored if its time %s', async (_what, open, more, atMs) => {
    const { record } = await processed({ ...taken, ...more }, { resolution: 'unknown', open });
    expect(record?.atMs).toBe(atMs);
  });

  it('did not begin in the future', async () => {
    const open = { openedAtMs: Date.now() + 3_600_000, isPastCrashed: false };
    const { record } = await processed(taken, { resolution: 'unknown', open });
    expect(record?.atMs).toBeLessThanOrEqual(Date.now());
  });
});
