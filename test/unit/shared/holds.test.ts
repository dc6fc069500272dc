import { describe, expect, it } from 'vitest';
import { describeHolds, heldUntil } from '../../../src/shared/reading/holds.ts';
import { laneOf } from '../../../src/shared/lanes/key-names.ts';
import type { HoldInRedis, StandingHold } from '../../../src/shared/lanes/holds/hold.ts';

const nowMs = Date.parse('2026-11-22T10:00:00Z');

function standing(target: Omit<StandingHold, 'reason'> = {}): HoldInRedis {
  return { until: null, hold: { ...target, reason: 'operator' } };
}

function timed(pageId: string, leftMs: number): HoldInRedis {
  return { until: nowMs + leftMs, hold: { pageId, reason: 'rate-limited' } };
}

describe('describeHolds', () => {
  it('shows a hold of everything once, though it stands in every shard, and the widest first', () => {
    const holds = [
      standing({ page: 'p2', conversation: 'c1' }),
      standing({ page: 'p2' }),
      standing(),
      timed('p1', 5000),
      standing(),
    ];
    expect(describeHolds(holds, [], nowMs)).toEqual([
      { scope: 'all', reason: 'operator' },
      { scope: 'page', page: 'p1', reason: 'rate-limited', until: '2026-11-22T10:00:05.000Z' },
      { scope: 'page', page: 'p2', reason: 'operator' },
      { scope: 'conversation', page: 'p2', conversation: 'c1', reason: 'operator' },
    ]);
  });

  it('shows both holds of a page, and none that has run out', () => {
    expect(describeHolds([timed('p1', 0), timed('p2', -1)], [], nowMs)).toEqual([]);
    expect(describeHolds([standing({ page: 'p1' }), timed('p1', 1)], [], nowMs)).toHaveLength(2);
  });

  it('shows what the API and the keys are held by, until the next probe, and names no key', () => {
    const circuits = [
      { name: 'key:fingerprint', probeAt: nowMs + 2000, reason: 'unauthorized' as const },
      { name: 'api', probeAt: nowMs + 1000, reason: 'api-down' as const },
      { name: 'key:probed', probeAt: nowMs - 1, reason: 'unauthorized' as const },
    ];
    expect(describeHolds([], circuits, nowMs)).toEqual([
      { scope: 'api', reason: 'api-down', until: '2026-11-22T10:00:01.000Z' },
      { scope: 'key', reason: 'unauthorized', until: '2026-11-22T10:00:02.000Z' },
      { scope: 'key', reason: 'unauthorized' },
    ]);
  });
});

describe('heldUntil', () => {
  const odd = 'a page/with a slash';
  it.each<[string, HoldInRedis[], number | null | undefined]>([
    ['nothing', [], undefined],
    ['everything', [standing()], null],
    ['its page', [standing({ page: odd })], null],
    ['its conversation', [standing({ page: odd, conversation: 'c1' })], null],
    ['another page', [standing({ page: 'p2' }), timed('p2', 5000)], undefined],
    ['another conversation of its page', [standing({ page: odd, conversation: 'c2' })], undefined],
    ['that conversation of another page', [standing({ page: 'p2', conversation: 'c1' })], undefined],
    ['the API, for a time', [timed(odd, 5000)], nowMs + 5000],
    ['the API, until a moment ago', [timed(odd, 0)], undefined],
    ['an operator and the API', [timed(odd, 5000), standing({ page: odd })], null],
  ])('of a message that is held by %s', (_what, holds, until) => {
    expect(heldUntil(holds, laneOf(odd, 'c1'), nowMs)).toBe(until);
  });
});
