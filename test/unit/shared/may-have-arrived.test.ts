import { describe, expect, it } from 'vitest';
import { MAX_HISTORY, type OutcomeKind } from '../../../src/shared/model/attempts.ts';
import { type DeadReason, parseDeadLetter } from '../../../src/shared/model/dead-letter.ts';
import {
  type ArrivalFacts,
  describeArrival,
  isOutcomeUnknown,
  mayHaveArrived,
} from '../../../src/shared/model/may-have-arrived.ts';
import type { LetterResolution } from '../../../src/shared/model/resolution.ts';
import { letter } from '../../support/settlements.ts';

const attempt = (outcome: OutcomeKind, usedAttempt = true) => ({ outcome, usedAttempt });
const resolution: LetterResolution = {
  outcome: 'not-delivered',
  proof: 'operator',
  by: 'anna',
  at: '2026-11-22T10:00:00.000Z',
};

function factsOf(reason: DeadReason, outcomes: readonly OutcomeKind[]): ArrivalFacts {
  return { reason, attempts: outcomes.map((outcome) => attempt(outcome)), attemptsUsed: outcomes.length };
}

const table: [reason: DeadReason, outcomes: OutcomeKind[], arrived: 'maybe' | 'no'][] = [
  ['rejected', ['rejected'], 'no'],
  ['rejected', ['failed', 'rejected'], 'no'],
  ['rejected', ['unknown', 'rejected'], 'maybe'],
  ['exhausted', ['failed', 'failed'], 'no'],
  ['exhausted', ['failed', 'unknown', 'failed'], 'maybe'],
  ['exhausted', ['unknown'], 'maybe'],
  ['expired', [], 'no'],
  ['expired', ['not-sent', 'held'], 'no'],
  ['expired', ['unknown', 'held'], 'maybe'],
  ['unknown-outcome', ['unknown'], 'maybe'],
  ['unknown-outcome', [], 'maybe'],
  ['crashed', ['unknown'], 'maybe'],
  ['crashed', [], 'maybe'],
  ['undecodable', [], 'no'],
  ['undecodable', ['unknown'], 'maybe'],
];

describe('a message that is dead', () => {
  it.each(table)('as %s after %j arrived: %s', (reason, outcomes, arrived) => {
    const facts = factsOf(reason, outcomes);
    expect([describeArrival(facts), mayHaveArrived(facts), isOutcomeUnknown(facts)]).toEqual([
      arrived,
      arrived === 'maybe',
      arrived === 'maybe',
    ]);
  });

  it.each(table)('as %s after %j did not arrive once an operator says so', (reason, outcomes) => {
    const facts = { ...factsOf(reason, outcomes), resolution };
    expect([describeArrival(facts), mayHaveArrived(facts)]).toEqual(['no, says anna', false]);
  });

  it('may have arrived with an attempt that its history no longer shows', () => {
    const held = Array.from({ length: MAX_HISTORY }, () => attempt('held', false));
    expect(mayHaveArrived({ reason: 'expired', attempts: held, attemptsUsed: 0 })).toBe(false);
    expect(mayHaveArrived({ reason: 'expired', attempts: held, attemptsUsed: 1 })).toBe(true);
  });
});

describe('the resolution of a stored dead letter', () => {
  const read = (stored: unknown) => parseDeadLetter(JSON.stringify({ ...letter, resolution: stored }));

  it('is read', () => {
    expect(read(resolution).resolution).toEqual(resolution);
    expect(read({ ...resolution, by: null }).resolution).toEqual({ ...resolution, by: null });
  });

  it.each([
    ['a text', 'not-delivered'],
    ['nothing', null],
    ['another outcome', { ...resolution, outcome: 'delivered' }],
    ['another proof', { ...resolution, proof: 'api' }],
    ['no time', { ...resolution, at: 'yesterday' }],
    ['a name that is too long', { ...resolution, by: 'x'.repeat(1000) }],
  ])('counts as missing if others wrote %s, and the letter stays readable', (_what, stored) => {
    const found = read(stored);
    expect(found).not.toHaveProperty('resolution');
    expect(found.reason).toBe(letter.reason);
  });
});
