import { monotonicFactory } from 'ulid';
import { type Deadline, DeadlineError, within } from '../redis/deadline.ts';
import {
  EnqueueUncertainError,
  IdempotencyConflictError,
  type KitechatSenderError,
  QueueFullError,
  QueueUnavailableError,
} from '../errors/errors.ts';
import { describeSafely } from '../errors/safe-cause.ts';
import { messageId, shardOfPage } from '../lanes/key-names.ts';
import { enqueue, type EnqueueResult, type MessageToEnqueue } from '../lanes/messages/enqueue.ts';
import type { MessagePayload } from '../model/stored-message.ts';
import type { Shard } from '../lanes/shard.ts';
import { isReady } from '../redis/ready.ts';
import { isBeingReplaced, lateRefusalOf } from '../redis/refusals.ts';
import type { Sealing } from '../sealing/sealing.ts';
import { nothingWritten, tellFailedCall } from '../session/calls.ts';
import type { Session } from '../session/session.ts';

/** The receipt of a message that is stored. */
export interface Receipt {
  id: string;
  /** `true` if the same request was stored before with the same `idempotencyKey`; `id` is the id of that message. */
  duplicate: boolean;
}

export interface MessageToStore {
  /** The id, from a caller that may store the message twice; without it the message gets a new one. */
  id?: string | undefined;
  payload: MessagePayload;
  body?: MessageToEnqueue['body'];
  ttlMs: number;
  due?: MessageToEnqueue['due'];
  priority?: MessageToEnqueue['priority'];
  idempotency: MessageToEnqueue['idempotency'];
  trace?: MessageToEnqueue['trace'];
}

export interface StoreConfig {
  shards: number;
  maxQueued: number;
  redisFullAt: number;
  sealing: Sealing;
}

const ulid = monotonicFactory();

/** Returns a new id. Within a process, later ids sort after earlier ones. */
export function newMessageId(shardIndex: number): string {
  return messageId(shardIndex, ulid());
}

/**
 * Stores a message within the deadline.
 *
 * @returns `null` if the message replays a dead letter that no longer exists.
 * @throws QueueUnavailableError, EnqueueUncertainError, QueueFullError, IdempotencyConflictError, ConfigError
 */
export async function storeMessage(
  session: Session,
  { shards, maxQueued, redisFullAt, sealing }: StoreConfig,
  message: MessageToStore,
  deadline: Deadline,
): Promise<Receipt | null> {
  const shardIndex = shardOfPage(message.payload.request.pageId, shards);
  // Made before the call, so that the caller can look the message up even if no answer comes back.
  const id = message.id ?? newMessageId(shardIndex);
  let result: EnqueueResult | null;
  do {
    const shard = await openShardOf(session, shardIndex, deadline);
    // When the time of a batch is over, the rest must not be sent, or it would become uncertain.
    if (deadline.leftMs() <= 0) {
      throw new QueueUnavailableError('There was no time left for this message', { cause: lateRefusalOf(shard.redis) });
    }
    result = await send(shard, { ...message, id, maxQueued, redisFullAt, sealing }, deadline);
  } while (result === null);
  switch (result.verdict) {
    case 'stored':
      return { id, duplicate: false };
    case 'duplicate':
      return { id: result.firstId, duplicate: true };
    case 'conflict':
      throw new IdempotencyConflictError(result.firstId);
    case 'full':
      throw new QueueFullError({ maxQueued });
    case 'memory-full':
      throw new QueueFullError({ redisFullAt });
    case 'gone':
      return null;
  }
}

async function openShardOf(session: Session, index: number, deadline: Deadline): Promise<Shard> {
  try {
    return await session.shard(index, deadline);
  } catch (error) {
    // The first process that uses a namespace sets it up, which a Redis without memory refuses.
    const { cause } = error as Error;
    throw isOutOfMemory(cause) ? new QueueFullError({ redisFullAt: 1 }, { cause }) : error;
  }
}

/** @returns `null` if the message is not stored, because the connection was lost before it left, or Redis refuses writes for now. */
async function send(shard: Shard, message: MessageToEnqueue, deadline: Deadline): Promise<EnqueueResult | null> {
  let over = false;
  let left = false;
  const beforeSending = (): void => {
    // After an error that says that nothing was written, the message must never be sent.
    left = false;
    if (over || !isReady(shard.redis, shard.root)) throw new NotSentError('the message was not sent');
    left = true;
  };
  try {
    return await within(deadline, enqueue(shard, message, beforeSending));
  } catch (error) {
    over = true;
    if (error instanceof NotSentError || isBeingReplaced(shard.redis, error)) return null;
    if (left) throw writeFailure(message, error);
    if (error instanceof DeadlineError) throw new QueueUnavailableError('There was no time left for this message');
    throw nothingWritten(error, 'Redis refused the message');
  }
}

class NotSentError extends Error {
  override readonly name = 'NotSentError';
}

function isOutOfMemory(error: unknown): boolean {
  return describeSafely(error).code === 'OOM';
}

/** The error of a message that has left. The message may be stored, unless Redis says that it was not. */
function writeFailure(message: MessageToEnqueue, error: unknown): KitechatSenderError {
  if (isOutOfMemory(error)) return new QueueFullError({ redisFullAt: 1 }, { cause: error });
  const { detail, options, mayHaveRun } = tellFailedCall(error, 'Redis refused the message');
  if (mayHaveRun || isCutShort(message, error)) return new EnqueueUncertainError(message.id, detail, options);
  return new QueueUnavailableError(detail, options);
}

/** Errors of single commands, which a script may meet after it has written. */
const MIDWAY = new Set(['WRONGTYPE', 'NOPERM']);

/** Whether the script may have failed midway in a replay, which it does not undo: nothing else is left of the dead letter. */
function isCutShort({ payload }: MessageToEnqueue, error: unknown): boolean {
  return payload.replayOf !== undefined && MIDWAY.has(describeSafely(error).code ?? '');
}
