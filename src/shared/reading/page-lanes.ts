import { ASIDE, BACKOFF, HELD, IN_FLIGHT } from '../lanes/lib/places.ts';
import { readStored, storedFields, type StoredRequest } from '../model/stored-message.ts';
import { readBounded, readFields, readName } from '../lanes/read-bounded.ts';
import { jobKeys, type Shard } from '../lanes/shard.ts';
import { type ReadCommand, readPipeline } from '../redis/pipeline.ts';

/** The number of conversations of a page, by the places of their first messages. */
interface PageCounts {
  conversations: number;
  /** Those whose first message is released, being sent, or put off by a hold before it was sent. */
  inFlight: number;
  /** Those whose first message waits for another attempt. */
  failing: number;
  /** Those whose first message was sent, and is put off by a hold. */
  aside: number;
}

/** Counts the conversations of some pages in one round trip, independent of the backlog. @param pages the pages' names in keys */
export async function countConversations(shard: Shard, pages: readonly string[]): Promise<PageCounts[]> {
  const counts = await readPipeline<number>(
    shard.redis,
    pages.flatMap((page): ReadCommand[] => {
      const heads = headsKey(shard, page);
      return [
        ['zcard', heads],
        ['zcount', heads, IN_FLIGHT, `(${BACKOFF}`],
        ['zcount', heads, BACKOFF, `(${ASIDE}`],
        ['zcount', heads, ASIDE, `(${HELD}`],
      ];
    }),
  );
  return pages.map((_page, index) => {
    const [conversations = 0, inFlight = 0, failing = 0, aside = 0] = counts.slice(4 * index, 4 * index + 4);
    return { conversations, inFlight, failing, aside };
  });
}

/**
 * Reads the first lanes of a page: those in flight, then those in backoff, then held conversations, then the others by turn.
 *
 * @param page the page's name in keys
 */
export async function readPageLanes(shard: Shard, page: string, limit: number): Promise<string[]> {
  const heads = headsKey(shard, page);
  const lanes = await readBounded<(string | null)[]>(shard, [
    ['zrangebyscore', heads, IN_FLIGHT, '+inf', 'LIMIT', 0, limit],
    ['zrangebyscore', heads, '-inf', `(${IN_FLIGHT}`, 'LIMIT', 0, limit],
  ]);
  return lanes
    .flatMap((some) => some ?? [])
    .filter((lane) => lane !== null)
    .slice(0, limit);
}

/** Returns the request of a lane's first message; `undefined` if the lane is empty by now, or this version can't read the request. */
export async function readFirstRequest(shard: Shard, lane: string): Promise<StoredRequest | undefined> {
  const id = await readName(shard, ['lindex', laneKey(shard, lane), 0]);
  if (id === null) return undefined;
  return readStored(await readFields(shard, jobKeys(shard, id).job, storedFields))?.request;
}

/** The key of the heads of a page's lanes. */
export function headsKey({ root }: Shard, page: string): string {
  return `${root}heads:${page}`;
}

/** The key of the open messages of a conversation. */
export function laneKey({ root }: Shard, lane: string): string {
  return `${root}lane:${lane}`;
}
