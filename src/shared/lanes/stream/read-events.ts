import { ConfigError } from '../../errors/errors.ts';
import { absentKey } from '../key-names.ts';
import type { Shard } from '../shard.ts';
import type { EventFields } from './event.ts';

/** What a reader of a group wants of a shard, in one call. */
export interface EventsCall {
  group: string;
  /** The name of the reader, which holds the lease. */
  reader: string;
  /** The number of the lease that the reader knows it has. */
  lease: number;
  /** The number of the lease that begins with this call, if one begins; another one in each call. */
  nextLease: number;
  /** How long the lease lasts from now; 0 ends it. */
  leaseMs: number;
  /** The most entries to hand out. */
  most: number;
  /** The `position` of the last answer. */
  position: string;
  /** Whether the group wants the messages' content. */
  content: boolean;
  /** The `told` of the lease's first answer, and the lost events that were told since. */
  told: number;
  /** Entries that were acknowledged under this lease. */
  acks: readonly string[];
}

export interface EventEntry {
  /** The entry's id in the stream. */
  entry: string;
  fields: EventFields;
}

/**
 * `taken`: another reader has the shard for at most `forMs`.
 *
 * `read`: this reader has the lease with this number for `forMs`. Under a new lease, entries that were handed out before and not
 * acknowledged come first, so what the reader had before is void. `lost`: number of events that the group has lost so far; `told`: number of
 * those that were acknowledged.
 */
export type EventsAnswer =
  | { kind: 'taken'; forMs: number }
  | {
      kind: 'read';
      lease: number;
      forMs: number;
      position: string;
      hasMore: boolean;
      lost: number;
      told: number;
      entries: EventEntry[];
    };

type Reply =
  | ['too-old']
  | ['taken', number]
  | ['read', string, number, string, string, number, number, [string, string[]][]];

/** @throws ConfigError if Redis is too old for events */
export async function callEvents(shard: Shard, call: EventsCall): Promise<EventsAnswer> {
  const { redis, root } = shard;
  const { group, reader, lease, nextLease, leaseMs, most, position, content, told, acks } = call;
  const keys = [eventsKey(shard), absentKey(shard)] as const;
  const who = [group, reader, lease, nextLease] as const;
  const wants = [leaseMs, most, position, content ? 1 : 0, told] as const;
  const reply = (await redis.eventsRead(...keys, root, ...who, ...wants, ...acks)) as Reply;
  if (reply[0] === 'too-old') {
    throw new ConfigError([
      'REDIS_URL leads to a Redis older than 7.0, which is enough for messages; events need 7.0 or later, or Valkey',
    ]);
  }
  if (reply[0] === 'taken') return { kind: 'taken', forMs: reply[1] };
  const [, leased, forMs, at, more, lost, toldBefore, entries] = reply;
  return {
    kind: 'read',
    lease: Number(leased),
    forMs,
    position: at,
    hasMore: more === '1',
    lost,
    told: toldBefore,
    entries: entries.map(([entry, fields]) => ({ entry, fields })),
  };
}

/** Removes a group. Returns whether it was there. */
export async function forgetGroup(shard: Shard, group: string): Promise<boolean> {
  return (await shard.redis.eventsForget(eventsKey(shard), absentKey(shard), shard.root, group)) === 1;
}

export function eventsKey({ root }: Pick<Shard, 'root'>): string {
  return `${root}events`;
}

export function readersKey({ root }: Pick<Shard, 'root'>): string {
  return `${root}readers`;
}
