import { describe, expect, it } from 'vitest';
import { describeLimit, limitOf } from '../../../src/console/facts/limits.ts';
import type { FleetLimits } from '../../../src/shared/lanes/fleet/limits.ts';

const nothing: FleetLimits = { rate: null, pageRate: null, asked: { rate: null, pageRate: null } };

describe('the limits that the console shows', () => {
  it.each<[string, FleetLimits, string]>([
    [
      'set by an operator',
      { ...nothing, rate: '20/s', asked: { rate: '5/s', pageRate: null } },
      '20/s (set at run time)',
    ],
    ['taken away by an operator', { ...nothing, rate: 'none' }, 'none (set at run time)'],
    [
      'asked for by the workers',
      { ...nothing, asked: { rate: '5/s', pageRate: 'none' } },
      '5/s (from the variables of the workers)',
    ],
    ['not asked for by the workers', { ...nothing, asked: { rate: 'none', pageRate: 'none' } }, 'none'],
    ['not known yet', nothing, '7/s (from the variables of this process; no worker has started yet)'],
  ])('name their source: %s', (_what, limits, expected) => {
    const facts = { nowMs: 0, limits, open: [] };
    expect(describeLimit(limitOf(facts, { rateLimit: '7/s', pageRateLimit: undefined }).fleet)).toBe(expected);
  });
});
