import type { Session } from '../shared/session/session.ts';
import type { Deadline } from '../shared/redis/deadline.ts';
import { keyPart, shardOfPage } from '../shared/lanes/key-names.ts';
import {
  countLetters,
  findLetters,
  type FoundLetters,
  type LetterFilter,
  letterKey,
  type LetterPosition,
  lettersKey,
  pageKey,
  reasonKey,
  type StoredLetter,
} from '../shared/lanes/dead/dead-letters.ts';
import { parseDeadLetter } from '../shared/model/dead-letter.ts';
import { readBounded } from '../shared/lanes/read-bounded.ts';
import type { Shard } from '../shared/lanes/shard.ts';
import { type ReadCommand, readPipeline } from '../shared/redis/pipeline.ts';

export interface SearchDeps {
  shards: number;
  session: Pick<Session, 'read'>;
  /** The deadline for one round trip. */
  newDeadline(): Deadline;
}

export interface Walk {
  order: 'newest' | 'oldest';
  /** The position to start after; its entry may be gone. */
  after?: LetterPosition | null;
}

export interface LetterSearch {
  /** Yields all matching entries in batches. Memory doesn't grow with their number, and concurrent changes don't shift the walk. */
  walk(filter: LetterFilter, walk: Walk): AsyncGenerator<StoredLetter[]>;
  count(filter: LetterFilter): Promise<number>;
  /** Returns the entries of one shard that exist. */
  load(shardIndex: number, ids: readonly string[]): Promise<StoredLetter[]>;
}

/** The size of a batch over all shards, and the minimum per shard. */
const BATCH = 100;
const MIN_BATCH = 10;
/** Entries that the script counts in one call. Larger than a batch, since no entries are transferred. */
const COUNTED_AT_ONCE = 1000;

export function createLetterSearch({ shards, session, newDeadline }: SearchDeps): LetterSearch {
  const batch = Math.max(MIN_BATCH, Math.ceil(BATCH / shards));

  const ask = async <T>(index: number, question: (shard: Shard) => Promise<T>): Promise<T> =>
    await session.read(index, newDeadline(), question);

  function shardsOf({ pageId }: LetterFilter): number[] {
    if (pageId !== undefined) return [shardOfPage(pageId, shards)];
    return Array.from({ length: shards }, (_, index) => index);
  }

  async function* walkShard(index: number, filter: LetterFilter, { order, after = null }: Walk) {
    const key = await ask(index, (shard) => narrowestIndex(shard, filter));
    let position = after;
    do {
      const from = position;
      const found: FoundLetters = await ask(index, (shard) =>
        findLetters(shard, key, filter, { order, after: from, atMost: batch }),
      );
      const letters = found.letters.filter((letter) => hasLabel(letter, filter));
      if (letters.length > 0) yield letters;
      position = found.next;
    } while (position !== null);
  }

  async function countInShard(index: number, filter: LetterFilter): Promise<number> {
    const key = await ask(index, (shard) => narrowestIndex(shard, filter));
    if (isWholeIndex(filter)) {
      const { sinceMs = '-inf', untilMs } = filter;
      return await ask(index, ({ redis }) =>
        redis.zcount(key, sinceMs, untilMs === undefined ? '+inf' : `(${untilMs}`),
      );
    }
    let count = 0;
    if (filter.label !== undefined) {
      for await (const letters of walkShard(index, filter, { order: 'oldest' })) count += letters.length;
      return count;
    }
    let position: LetterPosition | null = null;
    do {
      const search = { order: 'oldest', after: position, atMost: COUNTED_AT_ONCE } as const;
      const found: { count: number; next: LetterPosition | null } = await ask(index, (shard) =>
        countLetters(shard, key, filter, search),
      );
      count += found.count;
      position = found.next;
    } while (position !== null);
    return count;
  }

  return {
    walk: (filter, walk) =>
      merge(
        shardsOf(filter).map((index) => walkShard(index, filter, walk)),
        walk.order === 'oldest' ? comesBefore : (one, other) => comesBefore(other, one),
      ),
    async count(filter) {
      const counts = await Promise.all(shardsOf(filter).map((index) => countInShard(index, filter)));
      return counts.reduce((total, count) => total + count, 0);
    },
    load: async (index, ids) => await ask(index, (shard) => loadLetters(shard, ids)),
  };
}

/** Whether a single index holds exactly the matching entries. */
function isWholeIndex({ reason, pageId, conversationId, label }: LetterFilter): boolean {
  return conversationId === undefined && label === undefined && (reason === undefined || pageId === undefined);
}

function hasLabel({ payload }: StoredLetter, { label }: LetterFilter): boolean {
  return label === undefined || payload.label === label;
}

async function narrowestIndex(shard: Shard, { reason, pageId }: LetterFilter): Promise<string> {
  const keys = [
    ...(reason === undefined ? [] : [reasonKey(shard, reason)]),
    ...(pageId === undefined ? [] : [pageKey(shard, keyPart(pageId))]),
  ];
  const [first, second] = keys;
  if (first === undefined) return lettersKey(shard);
  if (second === undefined) return first;
  const [ofFirst = 0, ofSecond = 0] = await readPipeline<number>(shard.redis, [
    ['zcard', first],
    ['zcard', second],
  ]);
  return ofFirst <= ofSecond ? first : second;
}

async function loadLetters(shard: Shard, ids: readonly string[]): Promise<StoredLetter[]> {
  const questions = ids.flatMap((id): ReadCommand[] => [
    ['zscore', lettersKey(shard), id],
    ['hget', letterKey(shard, id), 'data'],
  ]);
  const answers = await readBounded<string>(shard, questions);
  return ids.flatMap((id, n) => {
    const [deadAt, data] = answers.slice(2 * n, 2 * n + 2);
    if (deadAt === null || deadAt === undefined || data === null || data === undefined) return [];
    return [{ id, deadAtMs: Number(deadAt), payload: parseDeadLetter(data) }];
  });
}

/** Whether one entry died before the other, or has the lower id if they died at the same time. */
export function comesBefore(one: LetterPosition, other: LetterPosition): boolean {
  return one.deadAtMs === other.deadAtMs ? one.id < other.id : one.deadAtMs < other.deadAtMs;
}

interface Source {
  batches: AsyncGenerator<StoredLetter[]>;
  letters: StoredLetter[];
  next: number;
}

/** Merges sorted walks into one. A batch ends when one of the walks needs its next batch. */
async function* merge(
  walks: readonly AsyncGenerator<StoredLetter[]>[],
  isFirst: (one: StoredLetter, other: StoredLetter) => boolean,
): AsyncGenerator<StoredLetter[]> {
  const [only] = walks;
  if (only && walks.length === 1) {
    yield* only;
    return;
  }
  let sources: Source[] = walks.map((batches) => ({ batches, letters: [], next: 0 }));
  for (;;) {
    await Promise.all(sources.map(refill));
    sources = sources.filter(({ letters }) => letters.length > 0);
    if (sources.length === 0) return;
    const merged: StoredLetter[] = [];
    while (sources.every(({ letters, next }) => next < letters.length)) merged.push(takeFirst(sources, isFirst));
    yield merged;
  }
}

async function refill(source: Source): Promise<void> {
  if (source.next < source.letters.length) return;
  const more = await source.batches.next();
  source.letters = more.done ? [] : more.value;
  source.next = 0;
}

function takeFirst(
  sources: readonly Source[],
  isFirst: (one: StoredLetter, other: StoredLetter) => boolean,
): StoredLetter {
  const heads = sources.flatMap((source) => {
    const letter = source.letters[source.next];
    return letter ? [{ source, letter }] : [];
  });
  const { source, letter } = heads.reduce((first, head) => (isFirst(head.letter, first.letter) ? head : first));
  source.next += 1;
  return letter;
}
