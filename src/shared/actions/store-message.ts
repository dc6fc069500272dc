import { monotonicFactory } from 'ulid';
import { type Deadline, DeadlineError, within } from '../redis/deadline.ts';
import {
  EnqueueUncertainError,
  IdempotencyConflictError,
  QueueFullError,
  QueueUnavailableError,
} from '../errors/errors.ts';
import { messageId, shardOfPage } from '../lanes/keys.ts';
import { enqueue, type EnqueueResult, type MessageToEnqueue } from '../lanes/messages/enqueue.ts';
import type { MessagePayload } from '../model/stored-message.ts';
import type { Shard } from '../lanes/shard.ts';
import { isReady } from '../redis/ready.ts';
import type { Sealing } from '../sealing/sealing.ts';
import type { Session } from '../session/session.ts';

/** The receipt of a message: it is stored. */
export interface Receipt {
  id: string;
  /** `true` if the `idempotencyKey` had stored the same request before; `id` is that message's. */
  duplicate: boolean;
}

export interface MessageToStore {
  /** Made before by a caller who may store it twice; otherwise it gets a new one. */
  id?: string | undefined;
  payload: MessagePayload;
  body?: MessageToEnqueue['body'];
  ttlMs: number;
  due?: MessageToEnqueue['due'];
  priority?: MessageToEnqueue['priority'];
  idempotency: MessageToEnqueue['idempotency'];
}

export interface StoreConfig {
  shards: number;
  maxQueued: number;
  sealing: Sealing;
}

const ulid = monotonicFactory();

/** Later ones of a process sort after earlier ones. */
export function newMessageId(shardIndex: number): string {
  return messageId(shardIndex, ulid());
}

/**
 * Stores a message within the deadline, or says what is known about it instead.
 *
 * @returns `null` if the message would replay a dead letter that is there no more.
 * @throws QueueUnavailableError, EnqueueUncertainError, QueueFullError, IdempotencyConflictError, ConfigError
 */
export async function storeMessage(
  session: Session,
  { shards, maxQueued, sealing }: StoreConfig,
  message: MessageToStore,
  deadline: Deadline,
): Promise<Receipt | null> {
  const shardIndex = shardOfPage(message.payload.request.pageId, shards);
  // Made before the call: if no answer comes back, the caller can still ask what became of it.
  const id = message.id ?? newMessageId(shardIndex);
  let result: EnqueueResult | null;
  do {
    const shard = await session.shard(shardIndex, deadline);
    // The rest of a batch whose time is over must stay here, not leave and become uncertain.
    if (deadline.leftMs() <= 0) throw new QueueUnavailableError('There was no time left for this message');
    result = await send(shard, { ...message, id, maxQueued, sealing }, deadline);
  } while (result === null);
  switch (result.verdict) {
    case 'stored':
      return { id, duplicate: false };
    case 'duplicate':
      return { id: result.firstId, duplicate: true };
    case 'conflict':
      throw new IdempotencyConflictError(result.firstId);
    case 'full':
      throw new QueueFullError(maxQueued);
    case 'gone':
      return null;
  }
}

/** @returns `null` if the connection was lost before the message left. */
async function send(shard: Shard, message: MessageToEnqueue, deadline: Deadline): Promise<EnqueueResult | null> {
  let over = false;
  let left = false;
  const beforeSending = (): void => {
    // Whoever was told that nothing was written must be right for good.
    left = false;
    if (over || !isReady(shard.redis, shard.root)) throw new NotSentError('it was not sent');
    left = true;
  };
  try {
    return await within(deadline, enqueue(shard, message, beforeSending));
  } catch (error) {
    over = true;
    if (error instanceof NotSentError) return null;
    if (left) throw writeFailure(message.id, error);
    if (error instanceof DeadlineError) throw new QueueUnavailableError('There was no time left for this message');
    throw error;
  }
}

class NotSentError extends Error {
  override readonly name = 'NotSentError';
}

/** An error that Redis answered means that nothing was written: a message is sent once. Anything else may have arrived. */
function writeFailure(id: string, error: unknown): QueueUnavailableError | EnqueueUncertainError {
  if (error instanceof Error && error.name === 'ReplyError') {
    return new QueueUnavailableError('Redis refused the message', { cause: error });
  }
  const detail = error instanceof DeadlineError ? 'Redis did not answer in time' : 'The connection to Redis was lost';
  return new EnqueueUncertainError(id, detail, { cause: error });
}
