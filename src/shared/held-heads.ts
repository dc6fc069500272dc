import { keyPart, laneOf } from './keys.ts';
import type { HoldInRedis, StandingHold } from './lanes/hold.ts';
import { fieldsOf, type MessageStatus, statusFields, statusOf } from './message-status.ts';
import { jobKeys, type Shard } from './queues.ts';

/** First messages of conversations that an operator holds, by what they count as otherwise. */
export interface HeldHeads {
  queued: number;
  retrying: number;
}

/** Counts them page by page: the cost grows with the pages and conversations that are held, not with their messages. */
export async function countHeldHeads(shard: Shard, holds: readonly HoldInRedis[], nowMs: number): Promise<HeldHeads> {
  const standing = holds.flatMap(({ until, hold }) => (until === null ? [hold] : []));
  const pages = await heldPages(shard, standing);
  // Those of a page that is held are counted with it.
  const lanes = standing.flatMap(({ page, conversation }) =>
    page === undefined || conversation === undefined || pages.has(keyPart(page)) ? [] : [laneOf(page, conversation)],
  );
  const counts = await Promise.all([
    ...Array.from(pages, (page) => countOfPage(shard, page, nowMs)),
    ...lanes.map((lane) => countOfLane(shard, lane, nowMs)),
  ]);
  return {
    queued: counts.reduce((total, { queued }) => total + queued, 0),
    retrying: counts.reduce((total, { retrying }) => total + retrying, 0),
  };
}

async function heldPages(shard: Shard, standing: readonly StandingHold[]): Promise<Set<string>> {
  const named = standing.flatMap(({ page, conversation }) =>
    page === undefined || conversation !== undefined ? [] : [keyPart(page)],
  );
  const isAll = standing.some(({ page }) => page === undefined);
  return new Set([...named, ...(isAll ? await shard.redis.sunion(`${shard.root}pages`, `${shard.root}asleep`) : [])]);
}

async function countOfPage(shard: Shard, page: string, nowMs: number): Promise<HeldHeads> {
  const { redis, root } = shard;
  const [ready, high, failing, released] = await Promise.all([
    redis.llen(`${root}ready:${page}`),
    redis.llen(`${root}high:${page}`),
    redis.hlen(`${root}failing:${page}`),
    redis.hkeys(`${root}window:${page}`),
  ]);
  // Those that were released before the hold: sent, put off, or not looked at by a worker yet.
  const statuses = await Promise.all(released.map((id) => statusOfHead(shard, id, nowMs)));
  return { queued: ready + high + statuses.filter((status) => status === 'queued').length, retrying: failing };
}

async function countOfLane(shard: Shard, lane: string, nowMs: number): Promise<HeldHeads> {
  const head = await shard.redis.lindex(`${shard.root}lane:${lane}`, 0);
  const status = head === null ? null : await statusOfHead(shard, head, nowMs);
  return { queued: status === 'queued' ? 1 : 0, retrying: status === 'retrying' ? 1 : 0 };
}

async function statusOfHead(shard: Shard, id: string, nowMs: number): Promise<MessageStatus> {
  return statusOf(fieldsOf(statusFields, await shard.redis.hmget(jobKeys(shard, id).job, ...statusFields)), nowMs);
}
