import { keyPart, laneOf } from './keys.ts';
import type { HoldInRedis } from './lanes/hold.ts';
import { BACKOFF, HELD, IN_FLIGHT } from './lanes/places.ts';
import { countConversations, headsKey } from './page-lanes.ts';
import type { Shard } from './queues.ts';
import { readPipeline } from './read-pipeline.ts';

/** First messages of conversations that are held, by what they count as otherwise. */
export interface HeldHeads {
  queued: number;
  retrying: number;
}

/** Counts them page by page: the cost grows with the pages and conversations that are held, not with their messages. */
export async function countHeldHeads(shard: Shard, holds: readonly HoldInRedis[], nowMs: number): Promise<HeldHeads> {
  const pages = await heldPages(shard, holds, nowMs);
  const counts = await countConversations(shard, [...pages]);
  const scores = await readPipeline<string | null>(
    shard.redis,
    holds.flatMap(({ until, hold }) => {
      if (until !== null || hold.page === undefined || hold.conversation === undefined) return [];
      const page = keyPart(hold.page);
      // Those of a page that is held are counted with it.
      return pages.has(page) ? [] : [['zscore', headsKey(shard, page), laneOf(hold.page, hold.conversation)]];
    }),
  );
  const lanes = scores.flatMap((score) => (score === null ? [] : [Number(score)]));
  const failing = lanes.filter((score) => score >= BACKOFF && score < HELD).length;
  const waiting = lanes.filter((score) => score < IN_FLIGHT || score >= HELD).length;
  return counts.reduce(
    (total, page) => ({
      queued: total.queued + page.conversations - page.inFlight - page.failing,
      retrying: total.retrying + page.failing,
    }),
    { queued: waiting, retrying: failing },
  );
}

/** Pages of which nothing is sent now, by their names in keys. */
async function heldPages(shard: Shard, holds: readonly HoldInRedis[], nowMs: number): Promise<Set<string>> {
  const { redis, root } = shard;
  const isAll = holds.some(({ until, hold }) => until === null && hold.page === undefined);
  const named = holds.flatMap(({ until, hold }) => {
    if (until !== null) return until > nowMs ? [keyPart(hold.pageId)] : [];
    return hold.page === undefined || hold.conversation !== undefined ? [] : [keyPart(hold.page)];
  });
  return new Set([...named, ...(isAll ? await redis.sunion(`${root}pages`, `${root}asleep`) : [])]);
}
