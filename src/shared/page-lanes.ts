import { laneOf } from './keys.ts';
import type { HoldInRedis } from './lanes/hold.ts';
import type { Shard } from './queues.ts';
import { readPipeline } from './read-pipeline.ts';

/** Where the conversations of a page wait, and what of it is released. */
export interface PageLanes {
  /** The lanes that were looked at, those that are furthest first. */
  lanes: string[];
  /** How many conversations the page has. */
  conversations: number;
  /** Those whose first message waits for another attempt. */
  failing: number;
  /** Messages that BullMQ may have given to a worker; at most as many as lanes were asked for, or a few more. */
  released: string[];
}

type Places = [
  high: string[],
  ready: string[],
  failing: [cursor: string, fields: string[]],
  window: [cursor: string, fields: string[]],
];
type Sizes = [high: number, ready: number, failing: number, window: number];

/** How many conversations of each page are in its places: one round trip, whatever the backlog. */
export async function countConversations(shard: Shard, pages: readonly string[]): Promise<number[]> {
  const sizes = await readPipeline<number>(
    shard.redis,
    pages.flatMap((page) => sizeCommands(shard, page)),
  );
  return pages.map((_page, index) => sum(sizes.slice(4 * index, 4 * index + 4)));
}

/**
 * Reads the lanes of some pages, two round trips in all.
 *
 * @param pages their names in keys
 * @param limit lanes looked at for each page
 */
export async function readPageLanes(
  shard: Shard,
  pages: readonly string[],
  { holds, limit }: { holds: readonly HoldInRedis[]; limit: number },
): Promise<PageLanes[]> {
  const { redis, root } = shard;
  const sizes = await readPipeline<number>(
    redis,
    pages.flatMap((page) => sizeCommands(shard, page)),
  );
  const places = await readPipeline<unknown>(
    redis,
    pages.flatMap((page) => [
      ['lrange', `${root}high:${page}`, 0, limit - 1],
      ['lrange', `${root}ready:${page}`, 0, limit - 1],
      ['hscan', `${root}failing:${page}`, 0, 'COUNT', limit],
      ['hscan', `${root}window:${page}`, 0, 'COUNT', limit],
    ]),
  );
  return pages.map((page, index) => {
    const four = { start: 4 * index, end: 4 * index + 4 };
    const ownSizes = sizes.slice(four.start, four.end) as Sizes;
    return describeLanes(places.slice(four.start, four.end) as Places, ownSizes, heldLanes(holds, page), limit);
  });
}

function sizeCommands({ root }: Shard, page: string): [string, string][] {
  return [
    ['llen', `${root}high:${page}`],
    ['llen', `${root}ready:${page}`],
    ['hlen', `${root}failing:${page}`],
    ['hlen', `${root}window:${page}`],
  ];
}

function describeLanes(places: Places, sizes: Sizes, held: readonly string[], limit: number): PageLanes {
  const [high, ready, [, failingFields], [, windowFields]] = places;
  const lanes = [...new Set([...valuesOf(windowFields), ...valuesOf(failingFields), ...held, ...high, ...ready])];
  return {
    lanes: lanes.slice(0, limit),
    // A conversation that an operator holds stands nowhere, or still in its place.
    conversations: Math.max(sum(sizes), sum(sizes) < limit ? lanes.length : 0),
    failing: sizes[2],
    released: windowFields.filter((_value, index) => index % 2 === 0),
  };
}

/** The lanes of a page that an operator, or a dead letter, holds: they may stand nowhere else. */
function heldLanes(holds: readonly HoldInRedis[], page: string): string[] {
  return holds.flatMap(({ until, hold }) => {
    if (until !== null || hold.page === undefined || hold.conversation === undefined) return [];
    const lane = laneOf(hold.page, hold.conversation);
    return lane.startsWith(`${page}/`) ? [lane] : [];
  });
}

/** The values of a hash, as HSCAN tells them. */
function valuesOf(fields: readonly string[]): string[] {
  return fields.filter((_value, index) => index % 2 === 1);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
