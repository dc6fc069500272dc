import { readAnswerIds } from '../model/answer-ids.ts';
import { type AttemptRecord, decodeHistory } from '../model/attempts.ts';
import type { Deadline } from '../redis/deadline.ts';
import { deadLetterRecord, type DeadLetterRecord } from './dead-letter-record.ts';
import { type AnswerIds, type Proof, proofs } from '../model/event.ts';
import { type CurrentHolds, heldUntil, readCurrentHolds } from './holds.ts';
import { laneOf, shardOfId } from '../lanes/key-names.ts';
import { letterKey, lettersKey } from '../lanes/dead/dead-letters.ts';
import { isoTime } from '../model/time.ts';
import type { SendRequest } from '../model/message.ts';
import { fieldsOf, type MessageStatus, statusFields, type StatusFields, statusOf } from '../model/message-status.ts';
import { parseDeadLetter } from '../model/dead-letter.ts';
import { MAX_OPERATOR_NAME } from '../model/resolution.ts';
import { readStored, storedFields, type StoredRequest } from '../model/stored-message.ts';
import { readBounded } from '../lanes/read-bounded.ts';
import { openRequest } from '../sealing/content.ts';
import { jobKeys, type Shard } from '../lanes/shard.ts';
import { NO_KEYS, type Sealing } from '../sealing/sealing.ts';
import type { ReadCommand } from '../redis/pipeline.ts';
import type { Session } from '../session/session.ts';

/** What is known of a message. */
export type MessageRecord = OpenMessageRecord | DeadMessageRecord;

/** How a message ended, as far as that is known. */
export interface Ending {
  /** When it was delivered, was cancelled or died; `null` as long as it is open. */
  endedAt: string | null;
  /**
   * Who says that a `delivered` message arrived: the API's answer, the hook `resolveUnknown` or an operator. For a `dead` one, who found
   * out that it did not arrive; `null` if nobody did, and for all others.
   */
  proof: Proof | null;
  /** The operator, for the proof `operator`. */
  provedBy: string | null;
  /** The ids in the API's answer, such as `{ messageId: '17' }`; `null` if it had none. */
  answer: AnswerIds | null;
}

/** A message that waits, is being sent, was delivered, or was cancelled. */
export interface OpenMessageRecord extends Ending {
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
  /** The id of the dead letter that this message replays; `null` if it is no replay. */
  replayOf: string | null;
  /** Only in a record of `history`. `null` if the stored request can't be read. */
  request?: SendRequest | null;
}

/** A message that ended without being delivered. Its dead letter may be gone, if a ledger still knows it. */
export interface DeadMessageRecord extends Omit<DeadLetterRecord, 'expiresAt'>, Ending {
  /** When its dead letter is removed; `null` if it is gone. */
  expiresAt: string | null;
  /** The id of the message that sent it again; `null` if there is none, or if only a ledger could tell. */
  replayedAs: string | null;
}

export interface ReadConfig {
  shards: number;
  attempts: number;
  keepDeadMs: number;
  /** Decrypts the content of dead letters. Without it the content stays encrypted. */
  sealing?: Sealing;
}

const endFields = ['finishedOn', 'proof', 'by', 'answer'] as const;
const FIELDS = ['timestamp', 'lane', 'used', 'history', ...storedFields, ...statusFields, ...endFields] as const;
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
  const [record = null] = await readOf(session, config, id, deadline);
  return record?.status === 'dead' ? deadMessage(record) : record;
}

/** Reads one dead letter; `null` if there is none with this id. @throws QueueUnavailableError */
export async function readDeadLetter(
  session: Session,
  config: ReadConfig,
  id: string,
  deadline: Deadline,
): Promise<DeadLetterRecord | null> {
  const [record = null] = await readOf(session, config, id, deadline);
  return record?.status === 'dead' ? record : null;
}

async function readOf(
  session: Session,
  config: ReadConfig,
  id: string,
  deadline: Deadline,
): Promise<(OpenMessageRecord | DeadLetterRecord | null)[]> {
  const index = shardOfId(id);
  const isPossible = index !== null && index < config.shards;
  // Connects even if the id can't be one of these shards: while Redis is away, every id gets the same error.
  return await session.read(isPossible ? index : 0, deadline, async (shard) =>
    isPossible ? await readFrom(shard, config, [id]) : [],
  );
}

/**
 * Reads messages of one conversation, with their requests.
 *
 * @returns `null` for each message that is not known any more, or that belongs to another conversation
 */
export async function readWithRequests(
  shard: Shard,
  config: ReadConfig,
  lane: string,
  ids: readonly string[],
): Promise<(MessageRecord | null)[]> {
  const records = await readFrom(shard, config, ids, lane);
  return records.map((record) => (record?.status === 'dead' ? deadMessage(record) : record));
}

/** @param lane the conversation that the messages must belong to; then their requests are read, too */
async function readFrom(
  shard: Shard,
  config: ReadConfig,
  ids: readonly string[],
  lane?: string,
): Promise<(OpenMessageRecord | DeadLetterRecord | null)[]> {
  const questions = ids.flatMap((id): ReadCommand[] => [
    ['hmget', jobKeys(shard, id).job, ...FIELDS],
    ['hget', letterKey(shard, id), 'data'],
    ['zscore', lettersKey(shard), id],
  ]);
  const [answers, holds] = await Promise.all([
    readBounded<string | (string | null)[]>(shard, questions),
    readCurrentHolds(shard),
  ]);
  return ids.map((id, n) => {
    const [values, letter = null, deadAt = null] = answers.slice(3 * n, 3 * n + 3);
    if (typeof letter === 'string' && deadAt !== null) {
      const payload = parseDeadLetter(letter);
      if (lane !== undefined && payload.request && !isOfLane(payload.request, lane)) return null;
      return deadLetterRecord({ id, payload, deadAtMs: Number(deadAt) }, config);
    }
    const job = fieldsOf(FIELDS, Array.isArray(values) ? values : []);
    if (job.lane === null || (lane !== undefined && job.lane !== lane)) return null;
    return openRecord(id, job, { config, ...standingOf(job, holds), lane });
  });
}

function isOfLane({ pageId, conversationId }: StoredRequest, lane: string): boolean {
  return laneOf(pageId, conversationId) === lane;
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
    case 'superseded':
      return { status, nextAttemptAtMs: null };
  }
}

/** @param facts.lane the conversation that the message must belong to; then its request is read, too */
function openRecord(
  id: string,
  job: JobFields,
  { config, status, nextAttemptAtMs, lane }: Standing & { config: ReadConfig; lane: string | undefined },
): OpenMessageRecord {
  const found = readStored(job);
  const stored = found && (lane === undefined || isOfLane(found.request, lane)) ? found : null;
  return {
    id,
    pageId: stored?.request.pageId ?? null,
    conversationId: stored?.request.conversationId ?? null,
    status,
    enqueuedAt: isoTime(Number(job.timestamp)),
    attemptsUsed: Number(job.used ?? 0),
    attemptsAllowed: config.attempts,
    attempts: decodeHistory(job.history ?? ''),
    nextAttemptAt: nextAttemptAtMs === null ? null : isoTime(nextAttemptAtMs),
    label: stored?.label ?? null,
    replayOf: stored?.replayOf ?? null,
    ...endingOf(job, status),
    ...(lane === undefined ? {} : { request: stored && openedRequest(config.sealing, id, stored.request) }),
  };
}

/** Returns the decrypted request; `null` if it can't be decrypted. */
export function openedRequest(sealing: Sealing = NO_KEYS, id: string, request: StoredRequest): SendRequest | null {
  const opened = openRequest(sealing, id, request);
  return 'request' in opened ? opened.request : null;
}

function endingOf({ place, finishedOn, proof, by, answer }: JobFields, status: MessageStatus): Ending {
  const endedAt = place === 'ended' ? isoTime(Number(finishedOn)) : null;
  if (status !== 'delivered') return { endedAt, proof: null, provedBy: null, answer: null };
  // Workers write only another proof than the usual one; what others have written there proves nothing.
  const known = proof === null ? 'api' : (proofs.find((one) => one === proof) ?? null);
  return {
    endedAt,
    proof: known,
    provedBy: known === 'operator' ? (by?.slice(0, 2 * MAX_OPERATOR_NAME) ?? null) : null,
    answer: readAnswerIds(answer),
  };
}

function deadMessage(record: DeadLetterRecord): DeadMessageRecord {
  const { resolution } = record;
  const found = { proof: resolution?.proof ?? null, provedBy: resolution?.by ?? null };
  return { ...record, endedAt: record.deadAt, ...found, answer: null, replayedAs: null };
}
