import type { Shard } from '../../shared/lanes/shard.ts';

/** How a shard uses its places. */
export interface ShardLoad {
  /** Number of requests that the shard may have open. */
  places: number;
  open: number;
  /** Number of messages that any worker may take now. */
  waiting: number;
}

/** The places of one worker process, shared out among the shards that it serves. Their sum never exceeds the worker's concurrency. */
export interface Places {
  of(shard: Shard): number;
  /**
   * Moves places from shards with little to do to shards with much.
   *
   * @returns whether the places have changed so much that the fleet should know.
   */
  adjust(loads: ReadonlyMap<Shard, Omit<ShardLoad, 'places'>>): boolean;
}

/** @param change tells a shard's worker its new number of places */
export function createPlaces(
  shards: readonly Shard[],
  total: number,
  change: (shard: Shard, places: number) => void,
): Places {
  const places = new Map(shards.map((shard, index) => [shard, evenShare(total, shards.length, index)]));
  const of = (shard: Shard): number => places.get(shard) ?? 1;
  return {
    of,
    adjust(loads) {
      const before = shards.map((shard) => ({ open: 0, waiting: 0, ...loads.get(shard), places: of(shard) }));
      let isMuch = false;
      for (const [index, count] of sharePlaces(total, before).entries()) {
        const [shard, load] = [shards[index], before[index]];
        if (!shard || !load || count === load.places) continue;
        isMuch ||= Math.abs(count - load.places) > load.places / 4;
        places.set(shard, count);
        change(shard, count);
      }
      return isMuch;
    },
  };
}

function evenShare(total: number, shards: number, index: number): number {
  return Math.max(1, Math.floor(total / shards) + (index < total % shards ? 1 : 0));
}

/**
 * Returns the next number of places of each shard. A shard gets only places that another shard has given up and no longer uses, so
 * there are never more requests than places; a shard that needs more gets them at the second look.
 */
export function sharePlaces(total: number, loads: readonly ShardLoad[]): number[] {
  const places = loads.map((load) => load.places);
  const free = Math.max(0, total - sum(loads.map((load) => Math.max(load.places, load.open))));
  if (!loads.some(isShort)) {
    // Places that a shard gave up at an earlier look, before the shard that was short of them could get them.
    const more = spreadOut(
      free,
      loads.map(() => free),
    );
    return places.map((count, index) => count + (more[index] ?? 0));
  }
  // How many places a short shard needs is unknown, so it gets twice what it uses, and at the next look twice that.
  const wanted = loads.map(({ open, waiting }) => 2 * open + waiting);
  const spread = spreadOut(total - loads.length, wanted);
  const rest = total - loads.length - sum(spread);
  const extra = spreadOut(
    rest,
    loads.map(() => rest),
  );
  const target = loads.map((_load, index) => 1 + (spread[index] ?? 0) + (extra[index] ?? 0));
  const missing = target.map((count, index) => Math.max(0, count - (places[index] ?? 0)));
  const granted = spreadOut(free, missing);
  return places.map((count, index) => Math.min(count, target[index] ?? count) + (granted[index] ?? 0));
}

/** Whether a shard could use more places. Three quarters count as full, because there is a gap between two messages in a place. */
function isShort({ places, open, waiting }: ShardLoad): boolean {
  return open + waiting >= Math.max(1, 0.75 * places);
}

/** Shares out an amount evenly, but gives nobody more than its limit in `most`. */
function spreadOut(amount: number, most: readonly number[]): number[] {
  const given = most.map(() => 0);
  let left = amount;
  for (;;) {
    const hungry = most.flatMap((limit, index) => ((given[index] ?? 0) < limit ? [index] : []));
    if (left <= 0 || hungry.length === 0) return given;
    const share = Math.max(1, Math.floor(left / hungry.length));
    for (const index of hungry) {
      const portion = Math.min(share, left, (most[index] ?? 0) - (given[index] ?? 0));
      given[index] = (given[index] ?? 0) + portion;
      left -= portion;
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
