import type { DeadLetterPayload, DeadReason } from '../shared/dead-letter.ts';
import { type DeadLetterRecord, deadLetterRecord } from '../shared/dead-letter-record.ts';
import type { SendRequest } from '../shared/message.ts';
import type { Shard } from '../shared/queues.ts';

/** Which dead letters; all of the given conditions hold. */
export interface DeadLetterFilter {
  reason?: DeadReason | undefined;
  pageId?: string | undefined;
  conversationId?: string | undefined;
  label?: string | undefined;
  /** Died at this moment or later. */
  since?: Date | undefined;
  /** Died before this moment. */
  until?: Date | undefined;
}

/** A dead letter as `list` shows it: the fields of its request stand at the top, as `send` takes them. */
export type DeadLetterEntry = Omit<DeadLetterRecord, 'request'> & { message: SendRequest['message'] | null };

const BATCH = 100;

/** The dead letters of one shard, newest first, read in batches: memory doesn't grow with their number. */
export async function* deadLettersOf(
  shard: Shard,
  filter: DeadLetterFilter,
  keepDeadMs: number,
): AsyncGenerator<DeadLetterEntry> {
  const from = filter.since?.getTime() ?? '-inf';
  const to = filter.until ? `(${filter.until.getTime()}` : '+inf';
  const key = `${shard.root}dead:failed`;
  for (let offset = 0; ; offset += BATCH) {
    const found = await shard.redis.zrevrangebyscore(key, to, from, 'WITHSCORES', 'LIMIT', offset, BATCH);
    const ids = found.filter((_value, index) => index % 2 === 0);
    const letters = await Promise.all(ids.map((id) => shard.redis.hget(`${shard.root}dead:${id}`, 'data')));
    for (const [index, id] of ids.entries()) {
      const data = letters[index];
      // Replayed or removed since its id was read.
      if (!data) continue;
      const record = deadLetterRecord(
        id,
        JSON.parse(data) as DeadLetterPayload,
        Number(found[2 * index + 1]),
        keepDeadMs,
      );
      if (matches(record, filter)) yield entryOf(record);
    }
    if (ids.length < BATCH) return;
  }
}

function entryOf({ request, ...record }: DeadLetterRecord): DeadLetterEntry {
  return { ...record, message: request?.message ?? null };
}

function matches(record: DeadLetterRecord, { reason, pageId, conversationId, label }: DeadLetterFilter): boolean {
  return (
    (reason === undefined || record.reason === reason) &&
    (pageId === undefined || record.pageId === pageId) &&
    (conversationId === undefined || record.conversationId === conversationId) &&
    (label === undefined || record.label === label)
  );
}
