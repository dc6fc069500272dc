import { describe, expect, it } from 'vitest';
import { describeSkipped } from '../../../src/cli/dead-letters/outcome.ts';

const skippedOnes = (count: number, why: 'expired' | 'not found') =>
  Array.from({ length: count }, (_, n) => ({ id: `${why}-${n}`, why }));

describe('describeSkipped', () => {
  it('has a line for each of a few', () => {
    expect(describeSkipped([...skippedOnes(1, 'not found'), ...skippedOnes(2, 'expired')])).toEqual([
      'not found-0: no such dead letter',
      'expired-0: too old to be sent; use --force to send anyway',
      'expired-1: too old to be sent; use --force to send anyway',
    ]);
  });

  it('has a line for each reason of many, with examples', () => {
    expect(describeSkipped([...skippedOnes(5000, 'expired'), ...skippedOnes(1, 'not found')])).toEqual([
      '5000 entries (expired-0, expired-1, expired-2, …): too old to be sent; use --force to send anyway',
      'not found-0: no such dead letter',
    ]);
  });
});
