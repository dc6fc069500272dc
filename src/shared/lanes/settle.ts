import { type AttemptRecord, encodeAttempt, MAX_HISTORY } from '../attempts.ts';
import type { DeadLetterPayload } from '../dead-letter.ts';
import { jobKeys, type Shard } from '../queues.ts';
import { holdOf } from './letters.ts';
import { addHidden, runTransaction } from './transaction.ts';

/** What is to become of a message. */
export type Settlement =
  | { kind: 'delivered' }
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

/** Closes an attempt and carries out what was decided, in one step; running it twice does nothing. */
export async function settle(shard: Shard, attempt: AttemptToSettle, settlement: Settlement): Promise<SettleResult> {
  const { id, record } = attempt;
  const { job, lock } = jobKeys(shard, id);
  const settleArguments = [
    job,
    lock,
    shard.root,
    id,
    attempt.token,
    attempt.openAttempt,
    settlement.kind,
    record ? encodeAttempt(record) : '',
    record?.usedAttempt ? 1 : 0,
    'delayMs' in settlement ? Math.round(settlement.delayMs) : 0,
    attempt.survived ? 1 : 0,
    MAX_HISTORY,
    'page' in settlement && settlement.page ? JSON.stringify(settlement.page) : '',
    settlement.kind === 'dead' ? holdOf(settlement.letter, settlement.holds ?? false) : '',
  ];
  const reply =
    settlement.kind === 'dead'
      ? await runTransaction(shard.redis, shard.send, async (transaction) => {
          // Hidden until the script has checked that the message is still ours to end.
          await addHidden(transaction, shard.dead, { id, name: settlement.letter.reason, data: settlement.letter });
          transaction.laneSettle(...settleArguments);
        })
      : await shard.redis.laneSettle(...settleArguments);
  const [verdict, delayMs] = reply as ['done' | 'lost' | 'settled', number?];
  return verdict === 'done' ? { verdict, delayMs: delayMs ?? 0 } : { verdict };
}
