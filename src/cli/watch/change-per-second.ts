import type { Counts } from '../../shared/reading/shard-status.ts';

/** The counts at a moment. */
export interface CountsAt {
  /** On a monotonic clock. */
  atMs: number;
  counts: Counts;
}

const NO_CHANGE: Counts = { scheduled: 0, queued: 0, sending: 0, retrying: 0, held: 0, dead: 0 };

/** The change of each count per second, from the first moment to the last; zeros for a single moment. */
export function changePerSecond(moments: readonly CountsAt[]): Counts {
  const [first, last] = [moments[0], moments.at(-1)];
  if (first === undefined || last === undefined || last.atMs <= first.atMs) return NO_CHANGE;
  const seconds = (last.atMs - first.atMs) / 1000;
  const changeOf = (name: keyof Counts): number => (last.counts[name] - first.counts[name]) / seconds;
  return {
    scheduled: changeOf('scheduled'),
    queued: changeOf('queued'),
    sending: changeOf('sending'),
    retrying: changeOf('retrying'),
    held: changeOf('held'),
    dead: changeOf('dead'),
  };
}
