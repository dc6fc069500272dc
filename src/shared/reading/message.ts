import { type AttemptRecord, decodeHistory } from '../model/attempts.ts';
import type { Deadline } from '../redis/deadline.ts';
import { deadLetterRecord, type DeadLetterRecord } from './dead-letter-record.ts';
import { type CurrentHolds, heldUntil, readCurrentHolds } from './holds.ts';
import { DEAD_QUEUE, shardOfId } from '../lanes/key-names.ts';
import { isoTime } from '../model/time.ts';
import { type MessageStatus, statusFields, type StatusFields, statusOf } from '../model/message-status.ts';
import { parseDeadLetter } from '../model/dead-letter.ts';
import { type Proof, proofs } from '../model/event.ts';
import { MAX_OPERATOR_NAME } from '../model/resolution.ts';
import { readStored, storedFields } from '../model/stored-message.ts';
import { readFields } from '../lanes/read-bounded.ts';
import { jobKeys, type Shard } from '../lanes/shard.ts';
import type { Sealing } from '../sealing/sealing.ts';
import type { Session } from '../session/session.ts';

/** What is known of a message. */
export type MessageRecord = OpenMessageRecord | DeadLetterRecord;

/** A message that waits, is being sent, was delivered, or was cancelled. */
export interface OpenMessageRecord {
  id: string;
  pageId: string | null;
  conversationId: string | null;
  status: MessageStatus;
  enqueuedAt: string;
  attemptsUsed: number;
  attemptsAllowed: number;
  attempts: AttemptRecord[];
  /** When the message is tried next, for `scheduled`, `retrying` and `held`; `null` otherwise, and for a hold without an end. */
  nextAttemptAt: string | null;
  label: string | null;
  /** Who says that the message was delivered; `null` for any other status. */
  proof: Proof | null;
  /** The operator who says so; `null` for other proofs, and if no name was given. */
  provedBy: string | null;
}

export interface ReadConfig {
  shards: number;
  attempts: number;
  keepDeadMs: number;
  /** Decrypts the content of dead letters. Without it the content stays encrypted. */
  sealing?: Sealing;
}

const FIELDS = ['timestamp', 'lane', 'used', 'history', 'proof', 'by', ...storedFields, ...statusFields] as const;
type JobFields = Record<(typeof FIELDS)[number], string | null>;

/**
 * Reads one message, whatever its status, in one round trip.
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
  const isPossible = index !== null && index < config.shards;
  // Connects even if the id can't be one of these shards: while Redis is away, every id gets the same error.
  return await session.read(isPossible ? index : 0, deadline, async (shard) =>
    isPossible ? await readFrom(shard, config, id) : null,
  );
}

async function readFrom(shard: Shard, config: ReadConfig, id: string): Promise<MessageRecord | null> {
  const { redis, root } = shard;
  const dead = `${root}${DEAD_QUEUE}:`;
  const [job, letter, deadAt, holds] = await Promise.all([
    readFields(shard, jobKeys(shard, id).job, FIELDS),
    readFields(shard, dead + id, ['data']),
    redis.zscore(`${dead}failed`, id),
    readCurrentHolds(shard),
  ]);
  if (letter.data !== null && deadAt !== null) {
    const payload = parseDeadLetter(letter.data);
    return deadLetterRecord({ id, payload, deadAtMs: Number(deadAt) }, config);
  }
  if (job.lane === null) return null;
  return openRecord(id, job, { attempts: config.attempts, ...standingOf(job, holds) });
}

export interface Standing {
  status: MessageStatus;
  nextAttemptAtMs: number | null;
}

/** Returns the status of a message, including holds of its page or conversation, which its job doesn't have. */
export function standingOf(job: StatusFields & { lane: string | null }, holds: CurrentHolds): Standing {
  const status = statusOf(job, holds.nowMs);
  // A queued message has no next attempt, but others may have written one to its job.
  const nextMs = status === 'queued' || job.next === null ? null : Number(job.next);
  switch (status) {
    case 'scheduled':
      return { status, nextAttemptAtMs: Number(job.due) };
    case 'queued':
    case 'retrying':
    case 'held': {
      // A message in backoff goes on although its page fails.
      const until = heldUntil(status === 'retrying' ? { ...holds, open: [] } : holds, job.lane ?? '');
      if (until === undefined) return { status, nextAttemptAtMs: nextMs };
      return { status: 'held', nextAttemptAtMs: until === null ? null : Math.max(until, nextMs ?? 0) };
    }
    case 'sending':
    case 'delivered':
    case 'cancelled':
      return { status, nextAttemptAtMs: null };
  }
}

function openRecord(
  id: string,
  job: JobFields,
  { attempts, status, nextAttemptAtMs }: Standing & Pick<ReadConfig, 'attempts'>,
): OpenMessageRecord {
  const stored = readStored(job);
  return {
    id,
    pageId: stored?.request.pageId ?? null,
    conversationId: stored?.request.conversationId ?? null,
    status,
    enqueuedAt: isoTime(Number(job.timestamp)),
    attemptsUsed: Number(job.used ?? 0),
    attemptsAllowed: attempts,
    attempts: decodeHistory(job.history ?? ''),
    nextAttemptAt: nextAttemptAtMs === null ? null : isoTime(nextAttemptAtMs),
    label: stored?.label ?? null,
    ...proofOf(job, status),
  };
}

/** A delivery without a proof in its job is one that the API has answered. */
function proofOf({ proof, by }: JobFields, status: MessageStatus): Pick<OpenMessageRecord, 'proof' | 'provedBy'> {
  if (status !== 'delivered') return { proof: null, provedBy: null };
  if (proof === null) return { proof: 'api', provedBy: null };
  const known = proofs.find((one) => one === proof) ?? null;
  return { proof: known, provedBy: known === 'operator' ? (by?.slice(0, 2 * MAX_OPERATOR_NAME) ?? null) : null };
}
