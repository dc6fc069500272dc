import { InvalidSelectionError } from '../shared/errors/errors.ts';
import { shardOfId } from '../shared/lanes/key-names.ts';
import type { LetterFilter, StoredLetter } from '../shared/lanes/dead/dead-letters.ts';
import { type DeadLetterFilter, searchFilterOf } from './entry.ts';
import { comesBefore, type LetterSearch } from './letter-search.ts';

/** The dead letters to replay or discard. */
export type DeadLetterSelection = { ids: readonly string[] } | { filter: DeadLetterFilter } | { all: true };

/** A selected entry. `letter` is `null` if the entry has gone since. */
export interface Candidate {
  id: string;
  letter: StoredLetter | null;
}

/** The entries of a selection. */
export interface Selected {
  /** Yields the entries in batches, the oldest first. */
  batches(): AsyncGenerator<Candidate[]>;
  /** The ids without a dead letter. */
  notFound: readonly string[];
  total: number | null;
}

export interface SelectDeps {
  shards: number;
  search: LetterSearch;
  /** The time on Redis's clock, in ms. */
  nowMs(): Promise<number>;
}

const BATCH = 100;

/**
 * Finds the selected entries. A filter finds only entries that died before the call, so that one that dies again isn't found twice.
 *
 * @throws InvalidSelectionError if nothing is selected: a mistake must not select all entries.
 */
export async function select(deps: SelectDeps, selection: DeadLetterSelection): Promise<Selected> {
  if ('ids' in selection) return await selectIds(deps, selection.ids);
  if ('filter' in selection) return await selectMatching(deps, searchFilterOf(selection.filter));
  // Callers without types may pass any value.
  if ((selection as { all?: unknown }).all === true) return await selectMatching(deps, {});
  throw new InvalidSelectionError();
}

/** The skipped entries, in the order in which the ids were given. */
export function inGivenOrder<Skipped extends { id: string }>(
  selection: DeadLetterSelection,
  skipped: readonly Skipped[],
): Skipped[] {
  if (!('ids' in selection)) return [...skipped];
  const places = new Map(selection.ids.map((id, place) => [id, place]));
  return skipped.toSorted((one, other) => (places.get(one.id) ?? 0) - (places.get(other.id) ?? 0));
}

async function selectMatching({ search, nowMs }: SelectDeps, filter: LetterFilter): Promise<Selected> {
  const bounded = { ...filter, untilMs: Math.min(filter.untilMs ?? Infinity, (await nowMs()) + 1) };
  return {
    batches: () => inBatches(search.walk(bounded, { order: 'oldest' })),
    notFound: [],
    // Counting by label would mean reading all entries twice.
    total: filter.label === undefined ? await search.count(bounded) : null,
  };
}

async function selectIds({ shards, search }: SelectDeps, given: readonly string[]): Promise<Selected> {
  const ids = [...new Set(given)];
  const byShard = Map.groupBy(ids, shardOfId);
  const found: { id: string; deadAtMs: number; shardIndex: number }[] = [];
  for (const [shardIndex, ofShard] of byShard) {
    if (shardIndex === null || shardIndex >= shards) continue;
    for (const some of chunksOf(ofShard)) {
      const letters = await search.load(shardIndex, some);
      found.push(...letters.map(({ id, deadAtMs }) => ({ id, deadAtMs, shardIndex })));
    }
  }
  const known = new Set(found.map(({ id }) => id));
  return {
    async *batches() {
      const oldestFirst = found.toSorted((one, other) => (comesBefore(one, other) ? -1 : 1));
      for (const some of chunksOf(oldestFirst)) yield await loadInOrder(search, some);
    },
    notFound: ids.filter((id) => !known.has(id)),
    total: ids.length,
  };
}

/** Loads the content of a few entries at a time, because there may be many. */
async function loadInOrder(
  search: LetterSearch,
  some: readonly { id: string; shardIndex: number }[],
): Promise<Candidate[]> {
  const byShard = Map.groupBy(some, ({ shardIndex }) => shardIndex);
  const loaded = await Promise.all(
    Array.from(byShard, ([shardIndex, ofShard]) =>
      search.load(
        shardIndex,
        ofShard.map(({ id }) => id),
      ),
    ),
  );
  const letters = new Map(loaded.flat().map((letter) => [letter.id, letter]));
  return some.map(({ id }) => ({ id, letter: letters.get(id) ?? null }));
}

function* chunksOf<T>(list: readonly T[]): Generator<T[]> {
  for (let start = 0; start < list.length; start += BATCH) yield list.slice(start, start + BATCH);
}

async function* inBatches(walk: AsyncIterable<StoredLetter[]>): AsyncGenerator<Candidate[]> {
  let waiting: Candidate[] = [];
  for await (const letters of walk) {
    waiting.push(...letters.map((letter) => ({ id: letter.id, letter })));
    for (; waiting.length >= BATCH; waiting = waiting.slice(BATCH)) yield waiting.slice(0, BATCH);
  }
  if (waiting.length > 0) yield waiting;
}
