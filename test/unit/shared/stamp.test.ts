import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatStamp, ourStamp, parseStamp, type Stamp } from '../../../src/shared/layout/stamp.ts';
import { layout, version } from '../../../src/shared/version.ts';

const shards = fc.integer({ min: 1, max: 256 });
const anyLayout = fc.integer({ min: 1, max: 99 });
const stamps: fc.Arbitrary<Stamp> = fc.oneof(
  fc.record({
    state: fc.constant('settled' as const),
    shards,
    layout: fc.integer({ min: 2, max: 99 }),
    version: fc.constant(version),
  }),
  fc.record({ state: fc.constant('settled' as const), shards, layout: fc.constant(1), version: fc.constant(null) }),
  fc.record({ state: fc.constant('resharding' as const), shards, next: shards, layout: anyLayout }),
  fc.record({
    state: fc.constant('taking-over' as const),
    shards,
    step: fc.constantFrom('closing' as const, 'clearing' as const),
    token: fc.string({ unit: fc.constantFrom('a', 'f', '0', '9'), minLength: 1, maxLength: 12 }),
  }),
);

describe('a stamp', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(stamps, (stamp) => {
        expect(parseStamp(formatStamp(stamp))).toEqual(stamp);
      }),
    );
  });

  it('of this version never is what version 0.1 takes for its own number of shards', () => {
    fc.assert(
      fc.property(stamps, shards, (stamp, number) => {
        const isOurs = stamp.state === 'taking-over' || stamp.layout === layout;
        expect(isOurs && formatStamp(stamp) === String(number)).toBe(false);
      }),
    );
  });

  it('of layout 1 is what version 0.1 wrote', () => {
    expect(parseStamp('4')).toEqual({ state: 'settled', shards: 4, layout: 1, version: null });
    expect(parseStamp('resharding 2 6')).toEqual({ state: 'resharding', shards: 2, next: 6, layout: 1 });
    expect(formatStamp({ state: 'resharding', shards: 2, next: 6, layout: 1 })).toBe('resharding 2 6');
  });

  it('may hold more words than this version knows', () => {
    expect(parseStamp('4 layout 9 version 1.0.0 epoch 7')).toMatchObject({ shards: 4, layout: 9, version: '1.0.0' });
    expect(parseStamp('resharding 2 6 layout 9 epoch 7')).toMatchObject({ next: 6, layout: 9 });
  });

  it.each(['', 'NaN', '-1', '4layout 2', '4 layout', 'resharding 2', 'taking-over 2 sleeping x', 'undefined'])(
    'is not %j',
    (text) => {
      expect(parseStamp(text)).toBeNull();
    },
  );

  it('of this version names shards, layout and version', () => {
    expect(formatStamp(ourStamp(4))).toBe(`4 layout ${layout} version ${version}`);
  });
});
