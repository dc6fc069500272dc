import type { LaneRedis } from '../commands.ts';
import { createAcked, type Range } from './acked.ts';
import { eventsKey, numberOfEntry, readersKey } from './read-events.ts';

/** What a group has still to do in a shard. */
export interface EventGroup {
  group: string;
  shard: number;
  /** Events that the group has not acknowledged. */
  waiting: number;
  /** Events that it lost, and has not acknowledged that. */
  lost: number;
  /** Whether a process reads the shard for the group. */
  isRead: boolean;
}

/** Reads the groups of a shard, by name. There are none without a stream of events. */
export async function readGroups(
  redis: LaneRedis,
  { root, index, nowMs }: { root: string; index: number; nowMs: number },
): Promise<EventGroup[]> {
  const events = eventsKey({ root });
  if ((await redis.type(events)) !== 'stream') return [];
  const [stream, groups, readers] = await Promise.all([
    redis.xinfo('STREAM', events),
    redis.xinfo('GROUPS', events),
    redis.hgetall(readersKey({ root })),
  ]);
  const facts = factsOf(stream);
  const last = numberOf(facts['last-generated-id']);
  const [oldest] = (facts['first-entry'] ?? [`0-${last + 1}`]) as [string, ...unknown[]];
  const found = (groups as unknown[]).map((group) => {
    const { name, 'last-delivered-id': cursor } = factsOf(group) as Record<string, string>;
    const acked = createAcked(numberOf(cursor), readers[`acks:${name}`]);
    const lost = countIn(acked.missingIn(1, numberOf(oldest) - 1));
    return {
      group: String(name),
      shard: index,
      waiting: countIn(acked.missingIn(1, last)) - lost,
      lost,
      isRead: Number(readers[`until:${name}`] ?? 0) > nowMs,
    };
  });
  return found.toSorted((one, other) => one.group.localeCompare(other.group));
}

function countIn(ranges: readonly Range[]): number {
  return ranges.reduce((count, { from, to }) => count + to - from + 1, 0);
}

function factsOf(answer: unknown): Record<string, unknown> {
  const list = Array.isArray(answer) ? (answer as unknown[]) : [];
  return Object.fromEntries(list.flatMap((name, at) => (at % 2 === 0 ? [[String(name), list[at + 1]]] : [])));
}

function numberOf(entry: unknown): number {
  return numberOfEntry(String(entry)) ?? 0;
}
