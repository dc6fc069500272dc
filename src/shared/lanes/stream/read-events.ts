import { ConfigError } from '../../errors/errors.ts';
import { absentKey } from '../key-names.ts';
import type { Shard } from '../shard.ts';
import type { EventFields } from './event.ts';

/** What a reader of a group wants of a shard, in one call. */
export interface EventsCall {
  group: string;
  /** The name of the reader, which holds the lease. */
  reader: string;
  /** How long the lease lasts from now; 0 ends it. */
  leaseMs: number;
  /** The most entries to hand out. */
  most: number;
  /** `>` for new entries, or the entry after which those follow that were handed out before. */
  from: string;
  /** Whether the group wants the messages' content. */
  content: boolean;
  /** Number of lost events that the reader has told. */
  told: number;
  /** Entries that were acknowledged. */
  acks: readonly string[];
}

export interface EventEntry {
  /** The entry's id in the stream. */
  entry: string;
  fields: EventFields;
}

/**
 * `taken`: another reader has the shard for at most `forMs`. `isNew`: the lease is new, so the entries are those that were handed out
 * before and not acknowledged, from the first on. `lost`: number of events that the group has lost and not been told of.
 */
export type EventsAnswer =
  | { kind: 'taken'; forMs: number }
  | { kind: 'read'; isNew: boolean; lost: number; entries: EventEntry[] };

type Reply = ['too-old'] | ['taken', number] | ['read', string, number, [string, string[]][]];

/** @throws ConfigError if Redis is too old for events */
export async function callEvents(shard: Shard, call: EventsCall): Promise<EventsAnswer> {
  const { redis, root } = shard;
  const { group, reader, leaseMs, most, from, content, told, acks } = call;
  const keys = [eventsKey(shard), absentKey(shard)] as const;
  const wants = [leaseMs, most, from, content ? 1 : 0, told] as const;
  const reply = (await redis.eventsRead(...keys, root, group, reader, ...wants, ...acks)) as Reply;
  if (reply[0] === 'too-old') {
    throw new ConfigError([
      'REDIS_URL leads to a Redis older than 7.0, which is enough for messages; events need 7.0 or later, or Valkey',
    ]);
  }
  if (reply[0] === 'taken') return { kind: 'taken', forMs: reply[1] };
  const [, isNew, lost, entries] = reply;
  return { kind: 'read', isNew: isNew === '1', lost, entries: entries.map(([entry, fields]) => ({ entry, fields })) };
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
