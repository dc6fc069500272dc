import { describe, expect, it } from 'vitest';
import { type Judgement, judgements, readJudgement } from '../../../src/worker/message/judgement.ts';
import { answered, judge } from './exchanges.ts';

describe('a judgement of the hook classifyResponse', () => {
  it.each<Judgement | undefined>([
    undefined,
    ...judgements,
    ...judgements.map((outcome) => ({ outcome })),
    { outcome: 'held', scope: 'api' },
    { outcome: 'held', forMs: 0.5 },
    { outcome: 'held', scope: undefined, forMs: undefined },
  ])('can be %j', (judgement) => {
    expect(readJudgement(judgement)).toEqual({ judgement });
  });

  it.each([
    [{ outcome: 'held', scope: 'fleet' }, 'scope must be one of conversation, page, key, api'],
    [{ outcome: 'held', forMs: '5' }, 'forMs must be a number'],
    [{ outcome: 'held', forMs: -1 }, 'forMs must be at least 0'],
    [{ outcome: 'held', forMs: 2 ** 31 }, 'forMs must be at most 2147483647'],
  ])('can not be %j: %s', (returned, problem) => {
    expect(readJudgement(returned)).toEqual({ problem });
  });

  it.each([null, 'ok', 5, [], {}, { outcome: 'ok' }, { outcome: 'failed', forMs: 5 }, { outcome: 'held', formMs: 5 }])(
    'can not be %j, and the problem says what it can be',
    (returned) => {
      expect(readJudgement(returned)).toEqual({ problem: expect.stringContaining('or undefined') as unknown });
    },
  );
});

describe('an answer that the hook classifyResponse judges with an object', () => {
  it.each(['delivered', 'rejected', 'failed', 'unknown'] as const)('is what the object says: %s', (outcome) => {
    expect(judge(answered(200), { classifyResponse: () => ({ outcome }) })).toEqual(
      judge(answered(200), { classifyResponse: () => outcome }),
    );
  });

  it.each([
    ['the conversation, if it names nothing else', { outcome: 'held' }, 'conversation', 3000],
    ['what it names', { outcome: 'held', scope: 'page' }, 'page', 3000],
    ['as long as it says', { outcome: 'held', scope: 'key', forMs: 250.4 }, 'key', 251],
    ['longer than a Retry-After may ask for', { outcome: 'held', scope: 'api', forMs: 3_600_000 }, 'api', 3_600_000],
  ] as const)('holds %s', (_what, judgement, askedScope, holdMs) => {
    for (const httpStatus of [200, 401, 429, 500]) {
      const outcome = judge(answered(httpStatus, { retryAfter: '3' }), { classifyResponse: () => judgement });
      expect(outcome).toEqual({ kind: 'held', detail: 'classifyResponse: held', httpStatus, holdMs, askedScope });
    }
  });

  it('holds for a time of our own if neither the object nor the API says how long', () => {
    const outcome = judge(answered(200), { classifyResponse: () => ({ outcome: 'held' }) });
    expect(outcome).toMatchObject({ holdMs: null, askedScope: 'conversation' });
  });
});
