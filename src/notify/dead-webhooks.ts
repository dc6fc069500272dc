import * as z from 'zod';
import { changeKey } from '../shared/lanes/change-key.ts';
import { fleetRoot, keyPart } from '../shared/lanes/key-names.ts';
import { type EventRecord, settledTypes } from '../shared/model/event.ts';
import { deadlineIn } from '../shared/redis/deadline.ts';
import type { Session } from '../shared/session/session.ts';
import { withoutContent } from './content.ts';

/** An event that the receiver did not accept. It never has the message's content. */
export interface DeadWebhook {
  event: EventRecord;
  /** The attempts of the process that gave it up. */
  attempts: number;
  /** The status of the last answer; `null` if none came. */
  status: number | null;
  /** The code of the last failure, if no answer came. */
  failure: string | null;
  deadAt: string;
}

/** The dead letters of the webhooks of one group. */
export interface DeadWebhooks {
  /** Keeps an event. @throws QueueUnavailableError, ChangeUncertainError: adding it again is safe. */
  add(dead: DeadWebhook): Promise<void>;
  /** All entries that can be read, the oldest first. */
  list(): Promise<DeadWebhook[]>;
  /** @returns how many there were */
  remove(eventIds: readonly string[]): Promise<number>;
  count(): Promise<number>;
}

export interface DeadWebhooksOptions {
  session: Session;
  namespace: string;
  group: string;
  timeoutMs: number;
  /** The most entries that are kept. */
  most?: number;
}

const MOST = 10_000;
/** How many of the oldest entries are dropped at once, since finding them means reading all. */
const DROPPED_AT_ONCE = 0.05;
const AT_ONCE = 500;

const text = z.string().max(512);
const settledEvent = z.looseObject({
  id: text,
  type: z.enum(settledTypes),
  messageId: text,
  pageId: text.nullable(),
  conversationId: text.nullable(),
  at: z.iso.datetime(),
});
const gapEvent = z.looseObject({
  id: text,
  type: z.literal('gap'),
  at: z.iso.datetime(),
  group: text,
  shard: z.int().min(0),
  lost: z.int().min(0),
});
const entrySchema = z.object({
  event: z.discriminatedUnion('type', [settledEvent, gapEvent]),
  attempts: z.int().min(0),
  status: z.int().nullable(),
  failure: text.nullable(),
  deadAt: z.iso.datetime(),
});

export function createDeadWebhooks(options: DeadWebhooksOptions): DeadWebhooks {
  const { session, namespace, group, timeoutMs, most = MOST } = options;
  const key = `${fleetRoot(namespace)}webhooks:${keyPart(group)}`;
  const soon = () => deadlineIn(timeoutMs);

  async function count(): Promise<number> {
    return await session.read(0, soon(), ({ redis }) => redis.hlen(key));
  }

  /** The id of each event, with its entry as text. */
  async function readAll(): Promise<Map<string, string>> {
    return await session.read(0, soon(), async ({ redis }) => {
      const found = new Map<string, string>();
      let cursor = '0';
      do {
        const [next, fields] = await redis.hscan(key, cursor, 'COUNT', AT_ONCE);
        for (let at = 0; at + 1 < fields.length; at += 2) found.set(fields[at] ?? '', fields[at + 1] ?? '');
        cursor = next;
      } while (cursor !== '0');
      return found;
    });
  }

  async function dropOldest(): Promise<void> {
    const entries = [...(await readAll())].map(([id, json]) => ({ id, deadAt: readEntry(json)?.deadAt ?? '' }));
    const oldest = entries.toSorted((one, other) => compare(one.deadAt, other.deadAt));
    await remove(oldest.slice(0, Math.ceil(most * DROPPED_AT_ONCE)).map(({ id }) => id));
  }

  async function remove(eventIds: readonly string[]): Promise<number> {
    let removed = 0;
    for (let at = 0; at < eventIds.length; at += AT_ONCE) {
      const some = eventIds.slice(at, at + AT_ONCE);
      removed += await session.changeStored(0, soon(), 0, ({ redis }) => redis.hdel(key, ...some));
    }
    return removed;
  }

  return {
    async add(dead) {
      if ((await count()) >= most) await dropOldest();
      const event = withoutContent(dead.event);
      const json = JSON.stringify({ ...dead, event });
      await session.changeStored(0, soon(), undefined, async ({ redis }) => {
        await changeKey(redis, key, [['HSET', event.id, json]]);
      });
    },
    async list() {
      const entries = [...(await readAll()).values()].flatMap((json) => readEntry(json) ?? []);
      return entries.toSorted(
        (one, other) => compare(one.deadAt, other.deadAt) || compare(one.event.id, other.event.id),
      );
    },
    remove,
    count,
  };
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** Returns `null` for an entry that this version can't read: others can write to Redis, too. */
function readEntry(json: string): DeadWebhook | null {
  try {
    const value: unknown = JSON.parse(json);
    return entrySchema.safeParse(value).success ? (value as DeadWebhook) : null;
  } catch {
    return null;
  }
}
