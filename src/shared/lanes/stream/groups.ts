import type { LaneRedis } from '../commands.ts';
import { eventsKey, readersKey } from './read-events.ts';

/** What a group has still to do in a shard. */
export interface EventGroup {
  group: string;
  shard: number;
  /** Events that the group has not acknowledged. */
  waiting: number;
  /** Events that it lost and was not told of. */
  lost: number;
  /** Whether a process reads the shard for the group. */
  isRead: boolean;
}

const LAST_NUMBER = /^0-(\d{1,15})$/;

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
  const last = numberOf(factsOf(stream)['last-generated-id']);
  const found = (groups as unknown[]).map((group) => {
    const facts = factsOf(group);
    const name = String(facts['name']);
    return {
      group: name,
      shard: index,
      waiting: Number(facts['pending']) + Math.max(0, last - numberOf(facts['last-delivered-id'])),
      lost: Number(readers[`lost:${name}`] ?? 0) || 0,
      isRead: Number(readers[`until:${name}`] ?? 0) > nowMs,
    };
  });
  return found.toSorted((one, other) => one.group.localeCompare(other.group));
}

function factsOf(answer: unknown): Record<string, unknown> {
  const list = Array.isArray(answer) ? (answer as unknown[]) : [];
  return Object.fromEntries(list.flatMap((name, at) => (at % 2 === 0 ? [[String(name), list[at + 1]]] : [])));
}

/** Others may have added entries with numbers of their own. */
function numberOf(entry: unknown): number {
  return Number(LAST_NUMBER.exec(String(entry))?.[1] ?? 0);
}
