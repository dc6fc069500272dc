import { absentKey, idempotencyName, laneOf, SEND_QUEUE } from '../key-names.ts';
import type { MessagePayload } from '../../model/stored-message.ts';
import { storedText } from '../../sealing/content.ts';
import { createMemoryLook } from '../../redis/used-memory.ts';
import type { Shard } from '../shard.ts';
import type { Sealing } from '../../sealing/sealing.ts';
import type { Terms } from '../../sealing/terms.ts';
import { createEnqueueBatch, type EnqueueBatch } from './enqueue-batch.ts';

/** How long an idempotency key is remembered. */
const IDEMPOTENCY_MS = 24 * 60 * 60 * 1000;

export interface Idempotency {
  key: string;
  requestHash: string;
  /** Whether a hash that was made with another key belongs to the same request. */
  isSameRequest?(hash: string): boolean;
}

export interface MessageToEnqueue {
  id: string;
  payload: MessagePayload;
  /** The request as JSON, if the caller has it already. */
  body?: string | undefined;
  ttlMs: number;
  maxQueued: number;
  /** The part of Redis's memory limit from which on the message is not stored. */
  redisFullAt: number;
  /** The earliest time to send the message: after a delay, or at a time. */
  due?: { delayMs: number } | { atMs: number } | undefined;
  priority?: 'normal' | 'high' | undefined;
  idempotency: Idempotency | undefined;
  /** The caller's span, as a W3C traceparent. */
  trace?: string | undefined;
  /** Encrypts the message's content. */
  sealing?: Sealing | undefined;
}

export type EnqueueResult =
  | { verdict: 'stored' }
  | { verdict: 'duplicate' | 'conflict'; firstId: string }
  /** Too many messages are open, or Redis uses too much of its memory limit. */
  | { verdict: 'full' | 'memory-full' }
  /** The dead letter that the message replays no longer exists. */
  | { verdict: 'gone' };

const batches = new WeakMap<Shard, EnqueueBatch>();

/**
 * Stores a message at the end of its conversation, all or nothing. Messages that are stored in one turn of the event loop
 * leave together, in the order of the calls; each has its own result.
 *
 * @param beforeSending called whenever the message is about to leave; if it throws, the message is not sent to Redis
 */
export async function enqueue(
  shard: Shard,
  message: MessageToEnqueue,
  beforeSending: () => void = () => {},
): Promise<EnqueueResult> {
  const { id, payload } = message;
  const { pageId, conversationId, message: content } = payload.request;
  const data = storedText(id, message, () => termsOf(message));
  const args = [
    id,
    laneOf(pageId, conversationId),
    content.type,
    data,
    message.ttlMs,
    message.maxQueued,
    message.redisFullAt,
    optionsOf(message),
  ];
  const answer = await batchOf(shard).add({ args, size: data.length, redisFullAt: message.redisFullAt, beforeSending });
  if (isVerdict(answer)) return { verdict: answer };
  const [verdict, firstId, firstHash] = answer as ['duplicate' | 'conflict', string, string];
  if (verdict !== 'duplicate' && verdict !== 'conflict') throw new TypeError('the script answered with no verdict');
  const isSame = verdict === 'duplicate' || message.idempotency?.isSameRequest?.(firstHash);
  return { verdict: isSame ? 'duplicate' : verdict, firstId };
}

function isVerdict(answer: unknown): answer is 'stored' | 'full' | 'memory-full' | 'gone' {
  return typeof answer === 'string' && ['stored', 'full', 'memory-full', 'gone'].includes(answer);
}

function batchOf(shard: Shard): EnqueueBatch {
  const known = batches.get(shard);
  if (known) return known;
  const keys = [`${shard.root}${SEND_QUEUE}:waiting-children`, absentKey(shard)];
  const batch = createEnqueueBatch(
    shard.redis,
    (usedPart) => [...keys, shard.root, IDEMPOTENCY_MS, usedPart.toFixed(4)],
    createMemoryLook(shard.redis, shard.root),
  );
  batches.set(shard, batch);
  return batch;
}

function termsOf({ payload, ttlMs, due, priority }: MessageToEnqueue): Terms {
  return {
    ttlMs,
    due: due && dueText(due),
    isHigh: priority === 'high' || undefined,
    label: payload.label,
    policy: payload.onUnknownOutcome,
    replays: payload.replayOf,
  };
}

function dueText(due: NonNullable<MessageToEnqueue['due']>): string {
  return 'atMs' in due ? String(due.atMs) : `+${due.delayMs}`;
}

/** Returns the options that few messages have, as JSON; '' if this message has none of them. */
function optionsOf({ payload, due, priority, idempotency, trace }: MessageToEnqueue): string {
  const { request, replayOf, label, onUnknownOutcome: policy } = payload;
  const isPlain = !idempotency && !due && priority !== 'high' && trace === undefined;
  if (isPlain && replayOf === undefined && label === undefined && policy === undefined) return '';
  return JSON.stringify({
    ...(idempotency && { key: idempotencyName(request.pageId, idempotency.key), hash: idempotency.requestHash }),
    replays: replayOf,
    due: due && dueText(due),
    high: priority === 'high' || undefined,
    label,
    policy,
    trace,
  });
}
