import { askRedis } from '../shared/ask-redis.ts';
import type { DeadLetterPayload } from '../shared/dead-letter.ts';
import type { Deadline } from '../shared/deadline.ts';
import { shardOfId } from '../shared/keys.ts';
import type { Session } from '../shared/session.ts';
import { storeMessage } from '../shared/store-message.ts';

/** Which dead letters to send again. */
export interface ReplaySelection {
  ids: readonly string[];
  /** Also those that died because they had become too old. */
  force?: boolean;
  /** Told of each entry that was sent again, and of the id that its message has now. */
  onReplayed?: (id: string, newId: string) => void;
}

export interface ReplayResult {
  matched: number;
  done: number;
  skipped: { id: string; why: 'not found' | 'expired' | 'undecodable' | 'replayed meanwhile' }[];
}

export interface ReplayConfig {
  shards: number;
  maxQueued: number;
  ttlMs: number;
}

type Replayed = { newId: string } | { why: ReplayResult['skipped'][number]['why'] };

/**
 * Sends one dead letter again: its message joins the end of its conversation under a new id, and the entry goes, in one
 * step. Of two replays at once one finds it gone.
 */
export async function replayOne(
  session: Session,
  config: ReplayConfig,
  { id, force, deadline }: { id: string; force: boolean; deadline: Deadline },
): Promise<Replayed> {
  const index = shardOfId(id);
  if (index === null || index >= config.shards) return { why: 'not found' };
  const shard = await session.shard(index, deadline);
  const data = await askRedis(deadline, shard.redis.hget(`${shard.root}dead:${id}`, 'data'));
  if (!data) return { why: 'not found' };
  const letter = JSON.parse(data) as DeadLetterPayload;
  if (letter.request === null) return { why: 'undecodable' };
  if (letter.reason === 'expired' && !force) return { why: 'expired' };
  const { request, label, onUnknownOutcome } = letter;
  const payload = {
    v: 1 as const,
    request,
    ...(label === null ? {} : { label }),
    ...(onUnknownOutcome === undefined ? {} : { onUnknownOutcome }),
    replayOf: id,
  };
  const receipt = await storeMessage(
    session,
    config,
    { payload, ttlMs: config.ttlMs, idempotency: undefined },
    deadline,
  );
  return receipt ? { newId: receipt.id } : { why: 'replayed meanwhile' };
}
