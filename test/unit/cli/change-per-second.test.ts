import { describe, expect, it } from 'vitest';
import { changePerSecond } from '../../../src/cli/watch/change-per-second.ts';

const counts = { scheduled: 0, queued: 100, sending: 5, retrying: 0, held: 0, dead: 3 };

describe('changePerSecond', () => {
  it('is the mean from the first moment to the last', () => {
    const moments = [
      { atMs: 1000, counts },
      { atMs: 2000, counts: { ...counts, queued: 900 } },
      { atMs: 5000, counts: { ...counts, queued: 60, dead: 5, held: 2 } },
    ];
    expect(changePerSecond(moments)).toEqual({
      scheduled: 0,
      queued: -10,
      sending: 0,
      retrying: 0,
      held: 0.5,
      dead: 0.5,
    });
  });

  it('is nothing without two moments that differ', () => {
    const none = { scheduled: 0, queued: 0, sending: 0, retrying: 0, held: 0, dead: 0 };
    const moment = { atMs: 1000, counts };
    for (const moments of [[], [moment], [moment, { ...moment, counts: { ...counts, queued: 7 } }]]) {
      expect(changePerSecond(moments)).toEqual(none);
    }
  });
});
