import { type AttemptRecord, encodeAttempt, MAX_HISTORY } from '../attempts.ts';
import type { DeadLetterPayload } from '../dead-letter.ts';
import { absentKey } from '../keys.ts';
import type { Shard } from '../queues.ts';
import { answerOf, inBatches } from './in-batches.ts';
import { holdOf } from './letters.ts';
import { addHidden, runTransaction } from './transaction.ts';

/** What is to become of a message. */
export type Settlement =
  /** It stays known for `keepMs`, unless too many others are delivered after it. */
  | { kind: 'delivered'; keepMs: number }
  /** Out of its page's window until it is tried again. */
  | { kind: 'backoff'; delayMs: number }
  /** Keeps its place in the window: it isn't to blame. */
  | { kind: 'hold'; delayMs: number; page?: TimedHold }
  /** `holds`: its conversation waits for an operator. */
  | { kind: 'dead'; letter: DeadLetterPayload; holds?: boolean };

/** Why the whole page waits as long as the message. */
export interface TimedHold {
  pageId: string;
  reason: 'rate-limited' | 'unauthorized';
}

export interface AttemptToSettle {
  id: string;
  token: string;
  /** The attempt that this closes; empty if none is open. */
  openAttempt: string;
  /** What goes to the history; `null` if nothing was tried. */
  record: AttemptRecord | null;
  /** Whether the worker that opened the attempt lived to see its end. */
  survived: boolean;
}

/**
 * `done`: carried out; the job is to wait `delayMs` if it was a backoff or a hold. `lost`: another worker has the
 * message now. `settled`: it had ended before. After the last two nothing was changed.
 */
export type SettleResult = { verdict: 'done'; delayMs: number } | { verdict: 'lost' | 'settled' };

/** Delivered messages of a shard that stay known. */
export const MAX_KEPT_DONE = 1000;

type Answer = [verdict: 'done' | 'lost' | 'settled', delayMs?: number];

const ask = inBatches<readonly (string | number)[], Answer>(
  async (shard, settlements) => (await shard.redis.laneSettle(...scriptArguments(shard, settlements))) as Answer[],
);

/** Closes an attempt and carries out what was decided, in one step; running it twice does nothing. */
export async function settle(shard: Shard, attempt: AttemptToSettle, settlement: Settlement): Promise<SettleResult> {
  const given = argumentsOf(attempt, settlement);
  const reply = settlement.kind === 'dead' ? await end(shard, given, settlement.letter) : await ask(shard, given);
  const [verdict, delayMs] = answerOf(reply);
  return verdict === 'done' ? { verdict, delayMs: delayMs ?? 0 } : { verdict };
}

/** With a dead letter, which is hidden until the script has checked that the message is still ours to end. */
async function end(shard: Shard, given: readonly (string | number)[], letter: DeadLetterPayload): Promise<Answer> {
  const [id = ''] = given;
  const [answer] = (await runTransaction(shard.redis, shard.send, async (transaction) => {
    await addHidden(transaction, shard.dead, { id: String(id), name: letter.reason, data: letter });
    transaction.laneSettle(...scriptArguments(shard, [given]));
  })) as [Answer];
  return answer;
}

function scriptArguments(shard: Shard, settlements: readonly (readonly (string | number)[])[]): (string | number)[] {
  const { root } = shard;
  return [`${root}lanes`, absentKey(shard), root, MAX_HISTORY, MAX_KEPT_DONE, JSON.stringify(settlements)];
}

function argumentsOf(attempt: AttemptToSettle, settlement: Settlement): readonly (string | number)[] {
  const { record } = attempt;
  return [
    attempt.id,
    attempt.token,
    attempt.openAttempt,
    settlement.kind,
    record ? encodeAttempt(record) : '',
    record?.usedAttempt ? 1 : 0,
    durationOf(settlement),
    attempt.survived ? 1 : 0,
    'page' in settlement && settlement.page ? JSON.stringify(settlement.page) : '',
    settlement.kind === 'dead' ? holdOf(settlement.letter, settlement.holds ?? false) : '',
  ];
}

function durationOf(settlement: Settlement): number {
  switch (settlement.kind) {
    case 'delivered':
      return settlement.keepMs;
    case 'backoff':
    case 'hold':
      return Math.round(settlement.delayMs);
    case 'dead':
      return 0;
  }
}
