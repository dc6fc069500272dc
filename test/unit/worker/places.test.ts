import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Shard } from '../../../src/shared/lanes/shard.ts';
import { createPlaces, type ShardLoad, sharePlaces } from '../../../src/worker/fleet/places.ts';

const load = (places: number, open: number, waiting = 0): ShardLoad => ({ places, open, waiting });
const idle = (places: number): ShardLoad => load(places, 0);

describe('the places of a worker', () => {
  it('are shared out evenly at first, and no place is made up', () => {
    const shards = Array.from({ length: 4 }, (_, index) => ({ index }) as Shard);
    const places = createPlaces(shards, 50, () => {});
    expect(shards.map((shard) => places.of(shard))).toEqual([13, 13, 12, 12]);
  });

  it('stay as they are while no shard is short of them', () => {
    expect(sharePlaces(50, [load(13, 5), load(13, 0), load(12, 8), idle(12)])).toEqual([13, 13, 12, 12]);
  });

  it('that were given up are given out also when no shard is short of them any more', () => {
    expect(sharePlaces(10, [idle(1), idle(4), load(2, 1)])).toEqual([2, 5, 3]);
  });

  it('go to the one shard that has work, when those that it gets are free', () => {
    const first = sharePlaces(40, [load(10, 10, 30), idle(10), idle(10), idle(10)]);
    expect(first).toEqual([10, 1, 1, 1]);
    expect(sharePlaces(40, [load(10, 10, 30), idle(1), idle(1), idle(1)])).toEqual([37, 1, 1, 1]);
  });

  it('that are still used where they were given up are not given away yet', () => {
    expect(sharePlaces(10, [load(1, 1, 20), load(9, 9)])).toEqual([1, 5]);
    expect(sharePlaces(10, [load(1, 1, 20), load(5, 9, 20)])).toEqual([1, 5]);
    expect(sharePlaces(10, [load(1, 1, 20), load(5, 7, 20)])).toEqual([3, 5]);
    expect(sharePlaces(10, [load(3, 3, 20), load(5, 5, 20)])).toEqual([5, 5]);
  });

  it('are never more than the worker has, and every shard has one, whatever the load', () => {
    const shard = fc.record({ work: fc.nat(60), left: fc.nat(1) });
    const history = fc.array(fc.array(shard, { minLength: 4, maxLength: 4 }), { maxLength: 30 });
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 40 }), history, (total, looks) => {
        let loads = [0, 1, 2, 3].map((index) => idle(Math.floor(total / 4) + (index < total % 4 ? 1 : 0)));
        for (const look of looks) {
          loads = loads.map(({ places, open }, index) => {
            const { work, left } = look[index] ?? { work: 0, left: 0 };
            // What is open ends in its own time, and what is taken finds a place.
            const stays = left === 1 ? open : Math.floor(open / 2);
            const taken = Math.max(stays, Math.min(places, stays + work));
            return load(places, taken, work);
          });
          const next = sharePlaces(total, loads);
          expect(Math.min(...next)).toBeGreaterThanOrEqual(1);
          loads = loads.map((one, index) => ({ ...one, places: next[index] ?? 0 }));
          const most = loads.reduce((sum, { places, open }) => sum + Math.max(places, open), 0);
          expect(most).toBeLessThanOrEqual(total);
        }
        const inTheEnd = sharePlaces(
          total,
          loads.map(({ places }) => idle(places)),
        );
        expect(inTheEnd.reduce((sum, places) => sum + places, 0)).toBe(total);
      }),
    );
  });
});
