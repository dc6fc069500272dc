import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAcked } from '../../../src/shared/lanes/stream/acked.ts';

const MOST = 40;
const range = fc.tuple(fc.integer({ min: 1, max: MOST }), fc.integer({ min: 0, max: 5 }));

describe('what is acknowledged', () => {
  it('is what was added, in whatever order and however often, and what is written says the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 }), fc.array(range), (start, added) => {
        const acked = createAcked(start);
        const expected = new Set(Array.from({ length: start }, (_, n) => n + 1));
        for (const [from, more] of added) {
          acked.add(from, from + more);
          for (let number = from; number <= from + more; number += 1) expected.add(number);
        }
        const again = createAcked(acked.upTo(), acked.beyond());
        for (let number = 1; number <= MOST + 6; number += 1) {
          expect([number, acked.has(number), again.has(number)]).toEqual([
            number,
            expected.has(number),
            expected.has(number),
          ]);
        }
        expect(expected.has(acked.upTo() + 1)).toBe(false);
        const missing = acked
          .missingIn(1, MOST + 6)
          .flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, n) => from + n));
        const all = Array.from({ length: MOST + 6 }, (_, n) => n + 1);
        expect(missing).toEqual(all.filter((number) => !expected.has(number)));
      }),
    );
  });

  it('leaves out what others have written in place of ranges', () => {
    const acked = createAcked(3, 'x 9-7 -1-2 6-6 5-');
    expect([acked.upTo(), acked.beyond()]).toEqual([3, '6-6']);
  });
});
