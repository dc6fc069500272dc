import { readHolds, type StandingHold } from '../lanes/holds/hold.ts';
import type { Circuits } from '../lanes/fleet/circuits.ts';
import { readHeldConversations } from './held-conversations.ts';
import type { CurrentHolds, Hold } from './holds.ts';
import { readTimeMs } from '../redis/time.ts';
import { WORKER_SILENCE_MS, type WorkerRecord, workersKey } from '../lanes/fleet/leader.ts';
import { readBounded, readFields, readNames } from '../lanes/read-bounded.ts';
import { jobKeys, type Shard } from '../lanes/shard.ts';
import { type ForeignSettings, readForeignSettings } from '../lanes/foreign-settings.ts';
import { keyPart, laneOf } from '../lanes/key-names.ts';
import { ASIDE, BACKOFF, HELD, IN_FLIGHT } from '../lanes/lib/places.ts';
import type { RestoreNotice } from '../lanes/lib/timeline.ts';
import { countConversations, headsKey } from './page-lanes.ts';
import { readPipeline } from '../redis/pipeline.ts';

export interface WorkerStatus extends WorkerRecord {
  id: string;
}

/** Message counts by status. The first message of a conversation counts by its own status, those behind it as `queued`. */
export interface Counts {
  scheduled: number;
  queued: number;
  sending: number;
  retrying: number;
  held: number;
  dead: number;
}

export interface ShardStatus {
  counts: Counts;
  oldestQueuedMs: number;
  holds: StandingHold[];
  /** Conversations that are held for an answer to their own message. */
  conversations: Hold[];
  workers: WorkerStatus[];
  /** A restore of Redis that a worker suspected lately; `null` for none. */
  suspected: RestoreNotice | null;
  /** BullMQ's settings that somebody has changed. */
  foreign: ForeignSettings[];
}

/** Reads the status of a shard from the sizes of sets and lists, and a few messages. */
export async function readShardStatus(shard: Shard, circuits: Circuits): Promise<ShardStatus> {
  const { redis, root } = shard;
  const send = `${root}send:`;
  const [nowMs, waitingChildren, wait, active, delayed, putOffByHold, dead, holds, workers, suspected] =
    await Promise.all([
      readTimeMs(redis, root),
      redis.zcard(`${send}waiting-children`),
      redis.llen(`${send}wait`),
      redis.llen(`${send}active`),
      redis.zcard(`${send}delayed`),
      redis.scard(`${root}held`),
      redis.zcard(`${root}dead:failed`),
      readHolds(shard),
      redis.hgetall(workersKey(shard)),
      readSuspected(shard),
    ]);
  const current = { ...circuits, standing: holds };
  const [scheduled, heads, conversations, oldestMs, foreign] = await Promise.all([
    redis.zcount(`${root}due`, `(${nowMs}`, '+inf'),
    countHeldHeads(shard, current),
    readHeldConversations(shard, current),
    readOldestMs(shard, nowMs),
    readForeignSettings(shard),
  ]);
  const queued = Math.max(0, waitingChildren + wait - scheduled - heads.queued);
  return {
    counts: {
      scheduled,
      queued,
      sending: active,
      retrying: Math.max(0, delayed - putOffByHold - heads.retrying),
      held: putOffByHold + heads.queued + heads.retrying,
      dead,
    },
    // Redis's clock may have been set back since the message was stored.
    oldestQueuedMs: queued === 0 ? 0 : Math.max(1, oldestMs),
    holds,
    conversations,
    workers: Object.entries(workers).flatMap(([id, json]) => {
      const { seenAt, ...record } = JSON.parse(json) as WorkerRecord & { seenAt: number };
      return nowMs - seenAt > WORKER_SILENCE_MS ? [] : [{ id, ...record }];
    }),
    foreign,
    suspected: suspected && nowMs - suspected.since < SUSPECTED_SHOWN_MS ? suspected : null,
  };
}

/** How long `status` shows it. */
const SUSPECTED_SHOWN_MS = 86_400_000;

async function readSuspected({ redis, root }: Shard): Promise<RestoreNotice | null> {
  const json = await redis.hget(`${root}fleet`, 'suspected');
  return json === null ? null : (JSON.parse(json) as RestoreNotice);
}

/** Reads the oldest message of each set in which queued messages wait. Scheduled messages are sorted by their due times, after now. */
async function readOldestMs(shard: Shard, nowMs: number): Promise<number> {
  const send = `${shard.root}send:`;
  const [oldest, released] = (await readBounded<unknown>(shard, [
    ['zrange', `${send}waiting-children`, 0, 0, 'WITHSCORES'],
    ['lindex', `${send}wait`, -1],
  ])) as [string[] | null, string | null];
  const job = released === null ? null : await readFields(shard, jobKeys(shard, released).job, ['due', 'timestamp']);
  const since = [oldest?.[1], job?.due ?? job?.timestamp].flatMap((time) => time ?? []);
  return nowMs - Math.min(nowMs, ...since.map(Number).filter(Number.isFinite));
}

/** Counts of the first messages of held conversations, by the status that they would have without the hold. */
export interface HeldHeads {
  queued: number;
  retrying: number;
}

/** Counts held first messages. The cost grows with the number of held pages and conversations, not with their messages. */
async function countHeldHeads(shard: Shard, current: CurrentHolds): Promise<HeldHeads> {
  const { standing: holds } = current;
  const stopped = await stoppedPages(shard, holds);
  const pages = [...new Set([...stopped, ...waitingPages(current)])];
  const counts = await countConversations(shard, pages);
  const scores = await readPipeline<string | null>(
    shard.redis,
    holds.flatMap((hold) => {
      if (hold.page === undefined || hold.conversation === undefined) return [];
      const page = keyPart(hold.page);
      // Conversations of a held page are counted with the page.
      return pages.includes(page) ? [] : [['zscore', headsKey(shard, page), laneOf(hold.page, hold.conversation)]];
    }),
  );
  const lanes = scores.flatMap((score) => (score === null ? [] : [Number(score)]));
  const total = {
    queued: lanes.filter((score) => score < IN_FLIGHT || score >= HELD).length,
    retrying: lanes.filter((score) => score >= BACKOFF && score < ASIDE).length,
  };
  for (const [index, page] of counts.entries()) {
    total.queued += page.conversations - page.inFlight - page.failing - page.aside;
    if (stopped.has(pages[index] ?? '')) total.retrying += page.failing;
  }
  return total;
}

/** Returns the names in keys of the pages that an operator holds: nothing of them is sent. */
async function stoppedPages(shard: Shard, holds: readonly StandingHold[]): Promise<Set<string>> {
  const { root } = shard;
  const isAll = holds.some(({ page }) => page === undefined);
  const named = holds.flatMap(({ page, conversation }) =>
    page === undefined || conversation !== undefined ? [] : [keyPart(page)],
  );
  return new Set([...named, ...(isAll ? await readNames(shard, ['sunion', `${root}pages`, `${root}asleep`]) : [])]);
}

/** Returns the names in keys of the pages whose messages wait for a circuit, except those in backoff, which go on by themselves. */
function waitingPages({ open, nowMs }: CurrentHolds): string[] {
  return open.flatMap(({ page, isPaced, probeAt }) =>
    page === undefined || (isPaced && probeAt <= nowMs) ? [] : [keyPart(page)],
  );
}

/** Returns the number of workers of each version, such as `0.2.0 (3), 0.2.1 (1)`; `null` if all have the same version. */
export function describeVersions(workers: readonly { version: string }[]): string | null {
  const counts = new Map<string, number>();
  for (const { version } of workers) counts.set(version, (counts.get(version) ?? 0) + 1);
  if (counts.size < 2) return null;
  return Array.from(counts, ([version, count]) => `${version} (${count})`)
    .toSorted()
    .join(', ');
}
