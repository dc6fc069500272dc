import { type DeadReason, deadReasons, parseDeadLetter } from '../shared/model/dead-letter.ts';
import { letterKey, lettersKey, pageKey, pagesKey, reasonKey } from '../shared/lanes/dead/dead-letters.ts';
import { readBounded } from '../shared/lanes/read-bounded.ts';
import type { Shard } from '../shared/lanes/shard.ts';
import { readPipeline } from '../shared/redis/pipeline.ts';

/** The number of dead letters, in total, by reason and by page. */
export interface DeadLetterCounts {
  total: number;
  byReason: Record<DeadReason, number>;
  /** The pages with the most dead letters, at most 50. `pageId` is `null` if it can't be read from any entry. */
  byPage: { pageId: string | null; count: number }[];
}

const MOST_PAGES = 50;

/** Reads the counts of one shard from its indexes, so that the cost doesn't grow with the entries. */
export async function readCounts(shard: Shard): Promise<DeadLetterCounts> {
  const { redis } = shard;
  const [total, reasons, pages] = await Promise.all([
    redis.zcard(lettersKey(shard)),
    readPipeline<number>(
      redis,
      deadReasons.map((reason) => ['zcard', reasonKey(shard, reason)]),
    ),
    redis.zrevrange(pagesKey(shard), 0, MOST_PAGES - 1, 'WITHSCORES'),
  ]);
  const names = pages.filter((_value, at) => at % 2 === 0);
  const pageIds = await readPageIds(shard, names);
  return {
    total,
    byReason: Object.fromEntries(deadReasons.map((reason, at) => [reason, reasons[at] ?? 0])) as Record<
      DeadReason,
      number
    >,
    byPage: names.map((_name, at) => ({ pageId: pageIds[at] ?? null, count: Number(pages[2 * at + 1]) })),
  };
}

export function addCounts(all: readonly DeadLetterCounts[]): DeadLetterCounts {
  const sum = (numberOf: (counts: DeadLetterCounts) => number): number =>
    all.reduce((total, counts) => total + numberOf(counts), 0);
  return {
    total: sum(({ total }) => total),
    byReason: Object.fromEntries(
      deadReasons.map((reason) => [reason, sum(({ byReason }) => byReason[reason])]),
    ) as Record<DeadReason, number>,
    byPage: all
      .flatMap(({ byPage }) => byPage)
      .toSorted((one, other) => other.count - one.count)
      .slice(0, MOST_PAGES),
  };
}

/** A name in keys is the page's id, or a hash of it; for a hash, the id is read from the page's newest entry. */
async function readPageIds(shard: Shard, names: readonly string[]): Promise<(string | null)[]> {
  const hashed = names.filter((name) => name.startsWith('~'));
  const newest = await readPipeline<string[]>(
    shard.redis,
    hashed.map((name) => ['zrevrange', pageKey(shard, name), 0, 0]),
  );
  const data = await readBounded<string>(
    shard,
    newest.map(([id = '']) => ['hget', letterKey(shard, id), 'data']),
  );
  return names.map((name) => {
    if (!name.startsWith('~')) return name;
    const json = data[hashed.indexOf(name)];
    return json ? (parseDeadLetter(json).request?.pageId ?? null) : null;
  });
}
