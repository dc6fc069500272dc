import { askRedis } from '../session/calls.ts';
import type { Deadline } from '../redis/deadline.ts';
import { type Hold, pageHolds, readCurrentHolds } from './holds.ts';
import { keyPart, shardOfPage } from '../lanes/key-names.ts';
import { countConversations, laneKey, readFirstRequest, readPageLanes } from './page-lanes.ts';
import { readBounded, scanNames } from '../lanes/read-bounded.ts';
import { jobKeys, type Shard } from '../lanes/shard.ts';
import { readPipeline } from '../redis/pipeline.ts';
import type { Session } from '../session/session.ts';

/** The status of a page. */
export interface PageStatus {
  /** `null` if only a hash of the id is known, because the messages ended while they were read. */
  pageId: string | null;
  /** Number of open messages of the conversations that were read, including those being sent. */
  messages: number;
  /** Whether there are more conversations than were read, so that `messages` is a lower bound. */
  isCut: boolean;
  conversations: number;
  sending: number;
  /** Number of conversations whose first message waits for another attempt. */
  failing: number;
  /** The holds of the page and of its conversations. */
  holds: Hold[];
}

export interface PagesStatus {
  pages: PageStatus[];
  /** Number of pages with work. */
  known: number;
  /** Number of pages that were checked to find the busiest. */
  looked: number;
}

const MAX_PAGES = 100;
/** The most pages of one shard that are checked to find the busiest. */
const MAX_LOOKED = 1000;
/** The most lanes whose length is read, for one page and for all pages of a list. */
const MAX_LANES = 1000;
const MAX_LANES_IN_ALL = 5000;

/**
 * Reads the pages with work or a hold, at most a hundred: held pages first, then the busiest. The amount of data that is read is
 * bounded, however many messages, conversations and pages there are.
 *
 * @throws QueueUnavailableError if Redis does not answer before the deadline.
 */
export async function readPages(
  session: Session,
  { shards }: { shards: number },
  deadline: Deadline,
): Promise<PagesStatus> {
  const found = await session.readEach(deadline, (shard) => findPages(shard, shards));
  const candidates = found.flatMap((one) => one.candidates);
  const chosen = candidates
    .toSorted((one, other) => Number(other.isHeld) - Number(one.isHeld) || other.conversations - one.conversations)
    .slice(0, MAX_PAGES);
  const limit = Math.min(MAX_LANES, Math.floor(MAX_LANES_IN_ALL / Math.max(1, chosen.length)));
  const pages = await askRedis(
    deadline,
    Promise.all(chosen.map(({ shard, name, holds }) => describePage(shard, name, { holds, limit }))),
  );
  return {
    pages: pages.toSorted(
      (one, other) => Number(other.holds.length > 0) - Number(one.holds.length > 0) || other.messages - one.messages,
    ),
    known: found.reduce((total, { known }) => total + known, 0),
    looked: candidates.length,
  };
}

/**
 * Reads one page, even if it has no work.
 *
 * @throws QueueUnavailableError if Redis does not answer before the deadline.
 */
export async function readPage(
  session: Session,
  { shards }: { shards: number },
  pageId: string,
  deadline: Deadline,
): Promise<PageStatus> {
  return await session.read(shardOfPage(pageId, shards), deadline, async (shard) => {
    const holds = pageHolds(await readCurrentHolds(shard));
    return { ...(await describePage(shard, keyPart(pageId), { holds, limit: MAX_LANES })), pageId };
  });
}

interface Candidate {
  shard: Shard;
  /** The page's name in keys. */
  name: string;
  conversations: number;
  isHeld: boolean;
  /** All holds of the page's shard. */
  holds: readonly Hold[];
}

async function findPages(shard: Shard, shards: number): Promise<{ candidates: Candidate[]; known: number }> {
  const { redis, root } = shard;
  const [current, awake, asleep, awakeCount, asleepCount] = await Promise.all([
    readCurrentHolds(shard),
    scanNames(shard, `${root}pages`, MAX_LOOKED),
    scanNames(shard, `${root}asleep`, MAX_LOOKED),
    redis.scard(`${root}pages`),
    redis.scard(`${root}asleep`),
  ]);
  // Every shard sees the circuits of all pages.
  const holds = pageHolds(current).filter(
    ({ page }) => page === undefined || shardOfPage(page, shards) === shard.index,
  );
  const held = new Set(holds.flatMap(({ page }) => (page === undefined ? [] : [keyPart(page)])));
  const names = [...new Set([...[...held].slice(0, MAX_LOOKED), ...awake, ...asleep])];
  const counts = await countConversations(shard, names);
  const candidates = names.map((name, index) => ({
    shard,
    name,
    conversations: counts[index]?.conversations ?? 0,
    isHeld: held.has(name),
    holds,
  }));
  return { candidates, known: Math.max(awakeCount + asleepCount, names.length) };
}

async function describePage(
  shard: Shard,
  name: string,
  { holds, limit }: { holds: readonly Hold[]; limit: number },
): Promise<PageStatus> {
  const { redis } = shard;
  const [[counts], lanes] = await Promise.all([countConversations(shard, [name]), readPageLanes(shard, name, limit)]);
  const { conversations, inFlight, failing } = counts ?? { conversations: 0, inFlight: 0, failing: 0 };
  const [lengths, heads] = await Promise.all([
    readPipeline<number>(
      redis,
      lanes.map((lane) => ['llen', laneKey(shard, lane)]),
    ),
    readBounded<string>(
      shard,
      lanes.slice(0, inFlight).map((lane) => ['lindex', laneKey(shard, lane), 0]),
    ),
  ]);
  const places = await readBounded<string>(
    shard,
    heads.map((id) => ['hget', jobKeys(shard, id ?? '').job, 'place']),
  );
  const ownHolds = holds.filter(({ page }) => page !== undefined && keyPart(page) === name);
  return {
    pageId: ownHolds[0]?.page ?? (await readPageId(shard, name, lanes)),
    messages: lengths.reduce((total, length) => total + length, 0),
    isCut: lanes.length < conversations,
    conversations,
    sending: places.filter((place) => place === 'sending').length,
    failing,
    holds: ownHolds,
  };
}

/** Returns the page's id from its name in keys, or from its first messages if the name is a hash. */
async function readPageId(shard: Shard, name: string, lanes: readonly string[]): Promise<string | null> {
  if (!name.startsWith('~')) return name;
  for (const lane of lanes.slice(0, 3)) {
    const pageId = (await readFirstRequest(shard, lane))?.pageId;
    if (pageId !== undefined) return pageId;
  }
  return null;
}
