import { describe, expect, it } from 'vitest';
import { nextStep, resultOf, usesAttempt } from '../../../src/notify/judge.ts';

describe('what an attempt shows', () => {
  it.each([
    [200, 'accepted'],
    [204, 'accepted'],
    [301, 'refused'],
    [400, 'refused'],
    [404, 'refused'],
    [408, 'later'],
    [410, 'gone'],
    [425, 'later'],
    [429, 'later'],
    [500, 'failed'],
    [503, 'failed'],
  ] as const)('%i: %s', (status, result) => {
    expect(resultOf({ status, failure: null })).toBe(result);
  });

  it.each([
    ['TIMEOUT', 'failed'],
    ['ECONNRESET', 'failed'],
    ['ECONNREFUSED', 'unreachable'],
    ['ENOTFOUND', 'unreachable'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'unreachable'],
  ] as const)('%s: %s', (failure, result) => {
    expect(resultOf({ status: null, failure })).toBe(result);
  });
});

describe('an attempt of an event', () => {
  it('is used by a refusal, and by a failure only while others are accepted', () => {
    expect(usesAttempt('refused', false)).toBe(true);
    expect(usesAttempt('failed', true)).toBe(true);
    expect(usesAttempt('failed', false)).toBe(false);
    expect(usesAttempt('later', true)).toBe(false);
    expect(usesAttempt('unreachable', true)).toBe(false);
  });
});

describe('an event', () => {
  const mayDie = { attempts: 3, mayDie: true };

  it('becomes a dead letter when its attempts are used', () => {
    expect(nextStep('refused', 2, mayDie)).toBe('again');
    expect(nextStep('refused', 3, mayDie)).toBe('dead');
    expect(nextStep('failed', 3, mayDie)).toBe('dead');
  });

  it('never dies of a receiver that is away, or while none may die', () => {
    expect(nextStep('unreachable', 3, mayDie)).toBe('again');
    expect(nextStep('later', 3, mayDie)).toBe('again');
    expect(nextStep('refused', 9, { attempts: 3, mayDie: false })).toBe('again');
  });

  it('that is accepted is done, and one for a receiver that is gone stops everything', () => {
    expect(nextStep('accepted', 9, mayDie)).toBe('done');
    expect(nextStep('gone', 0, mayDie)).toBe('stop');
  });
});
