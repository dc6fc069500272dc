import { type AttemptRecord, decodeHistory } from './attempts.ts';
import { askRedis } from './ask-redis.ts';
import type { Deadline } from './deadline.ts';
import type { DeadLetterPayload } from './dead-letter.ts';
import { type DeadLetterRecord, deadLetterRecord } from './dead-letter-record.ts';
import { DEAD_QUEUE, shardOfId } from './keys.ts';
import { parsePayload } from './payload.ts';
import { jobKeys, type Shard } from './queues.ts';
import type { Session } from './session.ts';

/** Where a message that isn't dead stands. */
export type MessageStatus = 'queued' | 'sending' | 'retrying' | 'held' | 'delivered';

/** What is known of a message. */
export type MessageRecord = OpenMessageRecord | DeadLetterRecord;

/** A message that waits, is being sent, or was delivered. */
export interface OpenMessageRecord {
  id: string;
  pageId: string | null;
  conversationId: string | null;
  status: MessageStatus;
  enqueuedAt: string;
  attemptsUsed: number;
  attemptsAllowed: number;
  attempts: AttemptRecord[];
  /** When it is tried again, for `retrying` and `held`. */
  nextAttemptAt: string | null;
  label: string | null;
}

export interface ReadConfig {
  shards: number;
  attempts: number;
  keepDeadMs: number;
}

const FIELDS = ['data', 'timestamp', 'lane', 'settled', 'open', 'next', 'held', 'used', 'history'] as const;
type JobFields = Record<(typeof FIELDS)[number], string | null>;

/**
 * Reads one message, wherever it stands: one round trip.
 *
 * @throws QueueUnavailableError if Redis does not answer before the deadline.
 */
export async function readMessage(
  session: Session,
  config: ReadConfig,
  id: string,
  deadline: Deadline,
): Promise<MessageRecord | null> {
  const index = shardOfId(id);
  if (index === null || index >= config.shards) return null;
  const shard = await session.shard(index, deadline);
  return await askRedis(deadline, readFrom(shard, config, id));
}

async function readFrom(shard: Shard, config: ReadConfig, id: string): Promise<MessageRecord | null> {
  const dead = `${shard.root}${DEAD_QUEUE}:`;
  const [values, letter, deadAt] = await Promise.all([
    shard.redis.hmget(jobKeys(shard, id).job, ...FIELDS),
    shard.redis.hget(dead + id, 'data'),
    shard.redis.zscore(`${dead}failed`, id),
  ]);
  if (letter !== null && deadAt !== null) {
    return deadLetterRecord(id, JSON.parse(letter) as DeadLetterPayload, Number(deadAt), config.keepDeadMs);
  }
  const fields = Object.fromEntries(FIELDS.map((field, index) => [field, values[index] ?? null])) as JobFields;
  return fields.lane === null || fields.settled === 'dead' ? null : openRecord(id, fields, config.attempts);
}

function openRecord(id: string, fields: JobFields, attemptsAllowed: number): OpenMessageRecord {
  const payload = parsePayload(fields.data ?? '');
  const status = statusOf(fields);
  const waits = status === 'retrying' || status === 'held';
  return {
    id,
    pageId: payload?.request.pageId ?? null,
    conversationId: payload?.request.conversationId ?? null,
    status,
    enqueuedAt: new Date(Number(fields.timestamp)).toISOString(),
    attemptsUsed: Number(fields.used ?? 0),
    attemptsAllowed,
    attempts: decodeHistory(fields.history ?? ''),
    nextAttemptAt: waits && fields.next !== null ? new Date(Number(fields.next)).toISOString() : null,
    label: payload?.label ?? null,
  };
}

function statusOf({ settled, open, next, held }: JobFields): MessageStatus {
  if (settled !== null) return 'delivered';
  if (open !== null) return 'sending';
  if (next === null) return 'queued';
  return held === null ? 'retrying' : 'held';
}
