import { jobKeys, type Shard } from '../queues.ts';
import { laneOf, idempotencyName } from '../keys.ts';
import type { MessagePayload } from '../payload.ts';
import { addHidden, runTransaction } from './transaction.ts';

/** How long an idempotency key counts. */
const IDEMPOTENCY_MS = 24 * 60 * 60 * 1000;

export interface MessageToEnqueue {
  id: string;
  payload: MessagePayload;
  ttlMs: number;
  maxQueued: number;
  /** Not before: from now, or at a time. */
  due?: { delayMs: number } | { atMs: number } | undefined;
  priority?: 'normal' | 'high' | undefined;
  idempotency: { key: string; requestHash: string } | undefined;
}

export type EnqueueResult =
  | { verdict: 'stored' }
  | { verdict: 'duplicate' | 'conflict'; firstId: string }
  | { verdict: 'full' }
  /** The dead letter that the message would replay is there no more. */
  | { verdict: 'gone' };

/**
 * Stores a message at the end of its conversation: one MULTI, all or nothing.
 *
 * @param beforeSending called whenever the message is about to leave; if it throws, the message stays here
 */
export async function enqueue(
  shard: Shard,
  message: MessageToEnqueue,
  beforeSending: () => void = () => {},
): Promise<EnqueueResult> {
  const { id, payload, idempotency } = message;
  const { pageId, conversationId } = payload.request;
  const reply = await runTransaction(shard.redis, shard.send, async (transaction) => {
    await addHidden(transaction, shard.send, { id, name: payload.request.message.type, data: payload });
    transaction.laneEnqueue(
      jobKeys(shard, id).job,
      shard.root,
      id,
      laneOf(pageId, conversationId),
      message.ttlMs,
      message.maxQueued,
      idempotency ? idempotencyName(pageId, idempotency.key) : '',
      idempotency?.requestHash ?? '',
      IDEMPOTENCY_MS,
      payload.replayOf ?? '',
      dueArgument(message.due),
      message.priority === 'high' ? 1 : '',
    );
    beforeSending();
  });
  const [verdict, firstId] = reply as [string, string?];
  switch (verdict) {
    case 'stored':
    case 'full':
    case 'gone':
      return { verdict };
    case 'duplicate':
    case 'conflict':
      return { verdict, firstId: firstId ?? '' };
    default:
      throw new Error(`enqueue answered ${verdict}`);
  }
}

function dueArgument(due: MessageToEnqueue['due']): string {
  if (due === undefined) return '';
  return 'atMs' in due ? String(due.atMs) : `+${due.delayMs}`;
}
