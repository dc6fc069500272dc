import { askRedis } from './ask-redis.ts';
import type { Deadline } from './deadline.ts';
import { describeHolds, type Hold } from './holds.ts';
import { keyPart, shardOfPage } from './keys.ts';
import { type HoldInRedis, readHolds } from './lanes/hold.ts';
import { countConversations, type PageLanes, readPageLanes } from './page-lanes.ts';
import { parsePayload } from './payload.ts';
import { jobKeys, type Shard } from './queues.ts';
import { readPipeline } from './read-pipeline.ts';
import { readTimeMs } from './redis-time.ts';
import type { Session } from './session.ts';

/** How a page stands. */
export interface PageStatus {
  /** `null` if only a hash of it is known: its messages ended while it was read. */
  pageId: string | null;
  /** Open messages of the conversations that were looked at, those being sent included. */
  messages: number;
  /** Whether there are more conversations than were looked at, so that `messages` is the least that there can be. */
  isCut: boolean;
  conversations: number;
  sending: number;
  /** Conversations whose first message waits for another attempt. */
  failing: number;
  /** What holds the page or a conversation of it. */
  holds: Hold[];
}

export interface PagesStatus {
  pages: PageStatus[];
  /** Pages with work. */
  known: number;
  /** How many of them were looked at to find the busiest. */
  looked: number;
}

const MAX_PAGES = 100;
/** Pages of one shard among which the busiest are looked for. */
const MAX_LOOKED = 1000;
/** Lanes whose length is read for one page, and for all pages of a list. */
const MAX_LANES = 1000;
const MAX_LANES_IN_ALL = 5000;

/**
 * The pages with work or a hold: the held ones first, then the busiest, at most a hundred. What is read is bounded, however
 * many messages, conversations and pages there are.
 *
 * @throws QueueUnavailableError if Redis does not answer before the deadline.
 */
export async function readPages(
  session: Session,
  { shards }: { shards: number },
  deadline: Deadline,
): Promise<PagesStatus> {
  const found = await Promise.all(
    Array.from({ length: shards }, async (_, index) => {
      const shard = await session.shard(index, deadline);
      return await askRedis(deadline, findPages(shard));
    }),
  );
  const chosen = found
    .flatMap(({ candidates }) => candidates)
    .toSorted((one, other) => Number(other.isHeld) - Number(one.isHeld) || other.conversations - one.conversations)
    .slice(0, MAX_PAGES);
  const limit = Math.min(MAX_LANES, Math.floor(MAX_LANES_IN_ALL / Math.max(1, chosen.length)));
  const read = found.map(async ({ shard, holds, nowMs }) => {
    const names = chosen.flatMap((page) => (page.shard === shard ? [page.name] : []));
    return await askRedis(deadline, describePages(shard, names, { holds, limit, nowMs }));
  });
  const pages = (await Promise.all(read)).flat();
  return {
    pages: pages.toSorted(
      (one, other) => Number(other.holds.length > 0) - Number(one.holds.length > 0) || other.messages - one.messages,
    ),
    known: found.reduce((total, { known }) => total + known, 0),
    looked: found.reduce((total, { candidates }) => total + candidates.length, 0),
  };
}

/**
 * One page, also if it has no work.
 *
 * @throws QueueUnavailableError if Redis does not answer before the deadline.
 */
export async function readPage(
  session: Session,
  { shards }: { shards: number },
  pageId: string,
  deadline: Deadline,
): Promise<PageStatus> {
  const shard = await session.shard(shardOfPage(pageId, shards), deadline);
  const read = async (): Promise<PageStatus | undefined> => {
    const [holds, nowMs] = await Promise.all([readHolds(shard), readTimeMs(shard.redis, shard.root)]);
    const context = { holds, limit: MAX_LANES, nowMs };
    return (await describePages(shard, [keyPart(pageId)], context))[0];
  };
  const status = await askRedis(deadline, read());
  if (status === undefined) throw new Error('a page that was asked for has a status');
  return { ...status, pageId };
}

interface Candidate {
  shard: Shard;
  /** Its name in keys. */
  name: string;
  conversations: number;
  isHeld: boolean;
}

interface FoundPages {
  shard: Shard;
  holds: HoldInRedis[];
  nowMs: number;
  candidates: Candidate[];
  known: number;
}

async function findPages(shard: Shard): Promise<FoundPages> {
  const { redis, root } = shard;
  const [holds, nowMs, [, awake], [, asleep], awakeCount, asleepCount] = await Promise.all([
    readHolds(shard),
    readTimeMs(redis, root),
    redis.sscan(`${root}pages`, 0, 'COUNT', MAX_LOOKED),
    redis.sscan(`${root}asleep`, 0, 'COUNT', MAX_LOOKED),
    redis.scard(`${root}pages`),
    redis.scard(`${root}asleep`),
  ]);
  const held = new Set(
    describeHolds(holds, [], nowMs).flatMap(({ page }) => (page === undefined ? [] : [keyPart(page)])),
  );
  const names = [...new Set([...[...held].slice(0, MAX_LOOKED), ...awake, ...asleep])];
  const conversations = await countConversations(shard, names);
  const candidates = names.map((name, index) => ({
    shard,
    name,
    conversations: conversations[index] ?? 0,
    isHeld: held.has(name),
  }));
  return { shard, holds, nowMs, candidates, known: Math.max(awakeCount + asleepCount, names.length) };
}

interface Reading {
  holds: readonly HoldInRedis[];
  limit: number;
  nowMs: number;
}

async function describePages(shard: Shard, names: readonly string[], reading: Reading): Promise<PageStatus[]> {
  const { redis, root } = shard;
  const pages = await readPageLanes(shard, names, reading);
  const lengths = await readPipeline<number>(
    redis,
    pages
      .flatMap(({ lanes }) => lanes.map((lane) => ['llen', `${root}lane:${lane}`] as const))
      .map(([name, key]) => [name, key]),
  );
  const opens = await readPipeline<number>(
    redis,
    pages.flatMap(({ released }) => released.map((id) => ['hexists', jobKeys(shard, id).job, 'open'])),
  );
  const holds = describeHolds(reading.holds, [], reading.nowMs);
  const statuses: PageStatus[] = [];
  let [lanesBefore, releasedBefore] = [0, 0];
  for (const [index, page] of pages.entries()) {
    const name = names[index] ?? '';
    const messages = sum(lengths.slice(lanesBefore, lanesBefore + page.lanes.length));
    const sending = sum(opens.slice(releasedBefore, releasedBefore + page.released.length));
    lanesBefore += page.lanes.length;
    releasedBefore += page.released.length;
    const ownHolds = holds.filter((hold) => hold.page !== undefined && keyPart(hold.page) === name);
    const pageId = ownHolds[0]?.page ?? (await readPageId(shard, name, page));
    const { conversations, failing, lanes } = page;
    statuses.push({
      pageId,
      messages,
      isCut: lanes.length < conversations,
      conversations,
      sending,
      failing,
      holds: ownHolds,
    });
  }
  return statuses;
}

/** A name that is no hash is the id; of a hash the page's first message knows more. */
async function readPageId(shard: Shard, name: string, { lanes }: PageLanes): Promise<string | null> {
  if (!name.startsWith('~')) return name;
  for (const lane of lanes.slice(0, 3)) {
    const id = await shard.redis.lindex(`${shard.root}lane:${lane}`, 0);
    const data = id === null ? null : await shard.redis.hget(jobKeys(shard, id).job, 'data');
    const pageId = data === null ? undefined : parsePayload(data)?.request.pageId;
    if (pageId !== undefined) return pageId;
  }
  return null;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
