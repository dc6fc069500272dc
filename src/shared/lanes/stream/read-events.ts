import { ConfigError } from '../../errors/errors.ts';
import { absentKey } from '../key-names.ts';
import type { Shard } from '../shard.ts';
import type { EventFields } from './event.ts';

/** What a reader of a group wants of a shard, in one round trip. */
export interface EventsCall {
  group: string;
  /** The name of the reader. */
  reader: string;
  /** The number of the lease that it has; 0 for none. */
  lease: number;
  /** The number of a lease that begins with this call. */
  nextLease: number;
  /** How long the lease lasts from now; 0 ends it. */
  leaseMs: number;
  /** Whether the group wants the messages' content. */
  content: boolean;
  /** The last position that was written in Redis. */
  seen: number;
  /** The number of the last entry that was read; entries after it are read. */
  position: number;
  /** The most entries to read; 0 for none. */
  most: number;
  /** What has been acknowledged, if that has changed. */
  acked: { upTo: number; beyond: string } | null;
}

export interface EventEntry {
  /** `null` for an entry that others have added. */
  number: number | null;
  fields: EventFields;
}

/**
 * `taken`: another reader has the lease for at most `forMs`. `new`: the lease is new, and reading begins after `upTo`, without what is
 * acknowledged `beyond`.
 */
export type EventsAnswer =
  | { kind: 'taken'; forMs: number }
  | { kind: 'kept'; forMs: number; entries: EventEntry[] }
  | { kind: 'new'; forMs: number; upTo: number; beyond: string };

type Reply = ['too-old'] | ['taken' | 'kept', number] | ['new', number, string, string];

const OUR_NUMBER = /^0-(\d{1,15})$/;

/** @throws ConfigError if Redis is too old for events */
export async function callEvents(shard: Shard, call: EventsCall): Promise<EventsAnswer> {
  const { redis, root } = shard;
  const { group, reader, lease, nextLease, leaseMs, content, seen, position, most, acked } = call;
  const events = eventsKey(shard);
  const who = [root, group, reader, lease, nextLease, leaseMs, content ? 1 : 0] as const;
  const [reply, read] = await Promise.all([
    redis.eventsLease(events, absentKey(shard), ...who, seen, position, acked?.upTo ?? '', acked?.beyond ?? ''),
    // Whether the lease is kept is known only afterwards, but reading changes nothing.
    most === 0 || lease === 0 ? [] : redis.xrange(events, `(0-${position}`, '+', 'COUNT', most),
  ]);
  const [kind, forMs = 0, upTo, beyond] = reply as Reply;
  switch (kind) {
    case 'too-old':
      throw new ConfigError([
        'REDIS_URL leads to a Redis older than 7.0, which is enough for messages; events need 7.0 or later, or Valkey',
      ]);
    case 'taken':
      return { kind, forMs };
    case 'kept':
      return { kind, forMs, entries: read.map(([id, fields]) => ({ number: numberOfEntry(id), fields })) };
    case 'new':
      return { kind, forMs, upTo: Number(upTo), beyond: beyond ?? '' };
  }
}

/** The number of one of our entries; `null` for those that others have added, with numbers of their own. */
export function numberOfEntry(id: string): number | null {
  const number = OUR_NUMBER.exec(id)?.[1];
  return number === undefined ? null : Number(number);
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
