import { decodeHistory } from '../shared/attempts.ts';
import type { DeadLetterPolicy, DeadReason } from '../shared/dead-letter.ts';
import type { UnknownOutcomePolicy } from '../shared/enqueue-options.ts';
import { bury } from '../shared/lanes/bury.ts';
import { parsePayload } from '../shared/payload.ts';
import { jobKeys, type Shard } from '../shared/queues.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';
import { recordOf } from './attempt-record.ts';
import { diedInMidSend } from './attempt.ts';
import { deadLetterOf, NO_MESSAGE } from './message-context.ts';
import { isReadableJob } from './readable-job.ts';
import { sendable } from './stored-request.ts';

const AT_ONCE = 100;

export interface BuryConfig {
  attempts: number;
  onUnknownOutcome: UnknownOutcomePolicy;
  onDeadLetter: DeadLetterPolicy;
  sealing: Sealing;
}

/** Messages that BullMQ failed by itself become dead letters: nothing else would release their conversations. */
export async function buryFailed(shard: Shard, config: BuryConfig): Promise<number> {
  const ids = await shard.redis.zrange(`${shard.root}send:failed`, 0, String(AT_ONCE - 1));
  let buried = 0;
  for (const id of ids) if (await buryOne(shard, id, 'crashed', config)) buried += 1;
  return buried;
}

/**
 * A job that BullMQ can't read makes it fail before any code of ours runs, again and again. It is told by its lock that
 * ended, and becomes a dead letter here.
 */
export async function buryIfUnreadable(shard: Shard, id: string, config: BuryConfig): Promise<boolean> {
  if (await isReadableJob(shard.send, id)) return false;
  return await buryOne(shard, id, 'undecodable', config);
}

async function buryOne(shard: Shard, id: string, reason: DeadReason, config: BuryConfig): Promise<boolean> {
  const fields = await shard.redis.hmget(jobKeys(shard, id).job, 'data', 'timestamp', 'used', 'history', 'open');
  const [data, timestamp, used, history, open] = fields;
  const payload = sendable(parsePayload(data ?? ''));
  // A request that was open when BullMQ took the job away may have arrived.
  const record = open ? recordOf(diedInMidSend(), payload?.onUnknownOutcome ?? config.onUnknownOutcome) : null;
  const letter = deadLetterOf(
    {
      id,
      job: { data, timestamp: Number(timestamp ?? 0) },
      payload,
      claimed: { attemptsUsed: Number(used ?? 0), history: decodeHistory(history ?? '') },
    },
    {
      reason: payload ? reason : 'undecodable',
      record,
      response: null,
      attemptsAllowed: config.attempts,
      problem: payload ? undefined : NO_MESSAGE,
    },
    config.sealing,
  );
  return await bury(shard, id, letter, {
    unreadable: reason === 'undecodable',
    holds: config.onDeadLetter === 'hold',
  });
}
