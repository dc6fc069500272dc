import { encodeAttempt, MAX_HISTORY, type NewAttempt } from '../../model/attempts.ts';
import type { DeadLetterPayload } from '../../model/dead-letter.ts';
import { absentKey, SEND_QUEUE } from '../keys.ts';
import type { Shard } from '../shard.ts';

/** What is to become of a message. */
export type Settlement =
  /** `elapsedMs` after it was taken. */
  | { kind: 'delivered'; elapsedMs: number }
  /** Out of its page's window until it is tried again. */
  | { kind: 'backoff'; delayMs: number }
  /** Keeps its place in the window: it isn't to blame. */
  | { kind: 'hold'; delayMs: number; page?: TimedHold }
  /** `holds`: its conversation waits for an operator. */
  | { kind: 'dead'; letter: DeadLetterPayload; holds: boolean }
  /** Nothing was tried: it is the first of its page. */
  | { kind: 'back' };

/** Why the whole page waits as long as the message. */
export interface TimedHold {
  pageId: string;
  reason: 'rate-limited' | 'unauthorized';
}

/** An attempt that ends, and what becomes of its message. */
export interface AttemptToSettle {
  id: string;
  /** The name of the attempt. */
  attempt: string;
  /** What goes to the history; `null` if nothing was tried. */
  record: NewAttempt | null;
  /** Whether the worker that opened the attempt lived to see its end. */
  survived: boolean;
  settlement: Settlement;
}

/**
 * `done`: carried out; the message waits `delayMs` if it was a backoff or a hold. `late`: another worker has closed the
 * attempt, and this went to the history only. `ended`, `lost`: the message has ended, or is gone.
 */
export type SettleResult = { verdict: 'done'; delayMs: number } | { verdict: 'late' | 'ended' | 'lost' };

/** A message that a worker has, with an attempt open on it. */
export interface Taken {
  /** `go`: send it. `unknown`: a worker died while this attempt was open; `crashed`: once too often. `expired`: it is too old. */
  verdict: 'go' | 'unknown' | 'expired' | 'crashed';
  id: string;
  attempt: string;
  type: string;
  /** The request as it stands in Redis. */
  data: string;
  enqueuedAtMs: number;
  attemptsUsed: number;
  /** Lines of JSON, as `decodeHistory` reads them. */
  history: string;
  label: string | null;
  policy: string | null;
  replays: string | null;
}

/** What a worker says to a shard in one turn of its event loop. */
export interface Turn {
  token: string;
  lockMs: number;
  /** What the names of the attempts that are opened begin with: no other call has it. */
  attemptPrefix: string;
  settlements: readonly AttemptToSettle[];
  /** How many messages it takes at most. */
  places: number;
  /** Of the slots that it has reserved, those that are due and those that are not. */
  dueSlots: number;
  laterSlots: number;
  /** Why it looks: it had said that it would, or it knows of a wait that is over. */
  look: 'woken' | 'due' | '';
  /** One message goes whatever the limit says. */
  isProbe: boolean;
}

export interface TurnAnswer {
  /** For each settlement. */
  settled: (SettleResult | Error)[];
  taken: Taken[];
  /** Jobs that were no messages of ours; they are removed. */
  foreign: string[];
  /** Messages that Redis refused to hand out. */
  refused: { id: string; error: Error }[];
  /** In how many ms each slot is due that was reserved. */
  slotsMs: number[];
  /** In how many ms the worker is to look again; `null` if nobody waits for it. */
  lookAgainMs: number | null;
  /** The fleet's limit, as far as this shard keeps to it: messages go at its slots; `null` for none, `undefined` if not looked at. */
  limit: SlotLimit | null | undefined;
}

export interface SlotLimit {
  intervalMs: number;
  burst: number;
}

type SettleAnswer = SettleResult['verdict'] | ['done', number] | ['error', string];
type TakeAnswer = [verdict: Taken['verdict'] | 'foreign' | 'error', id: string, ...(string | null)[]];
type Reply = [
  SettleAnswer[],
  TakeAnswer[],
  slots: string[],
  lookAgain: string | number,
  intervalMs?: string,
  burst?: number,
];

/** Settles messages and takes others, in one call. */
export async function callTurn(shard: Shard, turn: Turn): Promise<TurnAnswer> {
  const { redis, root } = shard;
  const reply = await redis.laneTurn(
    `${root}lanes`,
    absentKey(shard),
    root,
    turn.token,
    turn.lockMs,
    MAX_HISTORY,
    turn.attemptPrefix,
    turn.places,
    turn.dueSlots,
    turn.laterSlots,
    turn.look,
    turn.isProbe ? 1 : 0,
    ...turn.settlements.flatMap(argumentsOf),
  );
  const [settled, given, slots, lookAgain, intervalMs, burst = 1] = reply as Reply;
  const answer: TurnAnswer = {
    settled: settled.map(settleResult),
    taken: [],
    foreign: [],
    refused: [],
    slotsMs: slots.map(Number),
    lookAgainMs: lookAgain === '' ? null : Number(lookAgain),
    limit: limitOf(intervalMs, burst),
  };
  for (const [verdict, id, attempt, ...fields] of given) {
    if (verdict === 'foreign') answer.foreign.push(id);
    else if (verdict === 'error') answer.refused.push({ id, error: new RefusedError(attempt ?? '') });
    else answer.taken.push(takenOf(verdict, id, attempt ?? '', fields));
  }
  return answer;
}

/** A worker heard that there is something to take, and is not going to. */
export async function wakeAnother({ redis, root }: Shard): Promise<void> {
  await redis.zadd(`${root}${SEND_QUEUE}:marker`, 0, '0');
}

function takenOf(verdict: Taken['verdict'], id: string, attempt: string, fields: readonly (string | null)[]): Taken {
  const [type, data, timestamp, label, policy, replays, used, history] = fields;
  return {
    verdict,
    id,
    attempt,
    type: type ?? '',
    data: data ?? '',
    enqueuedAtMs: Number(timestamp ?? 0),
    attemptsUsed: Number(used ?? 0) || 0,
    history: history ?? '',
    label: label ?? null,
    policy: policy ?? null,
    replays: replays ?? null,
  };
}

function limitOf(intervalMs: string | undefined, burst: number): TurnAnswer['limit'] {
  if (intervalMs === undefined || intervalMs === '') return undefined;
  return intervalMs === '0' ? null : { intervalMs: Number(intervalMs), burst };
}

function settleResult(answer: SettleAnswer): SettleResult | Error {
  if (typeof answer === 'string') return answer === 'done' ? { verdict: 'done', delayMs: 0 } : { verdict: answer };
  const [verdict, detail] = answer;
  return verdict === 'error' ? new RefusedError(detail) : { verdict, delayMs: detail };
}

function argumentsOf({ id, attempt, record, survived, settlement }: AttemptToSettle): (string | number)[] {
  const { kind } = settlement;
  const entry = record ? encodeAttempt(record) : '';
  const common = [id, attempt, kind, entry, record?.usedAttempt ? 1 : 0, survived ? 1 : 0, durationOf(settlement)];
  if (kind === 'hold') common.push(holdOf(settlement));
  if (kind === 'dead') common.push(holdOf(settlement), settlement.letter.reason, JSON.stringify(settlement.letter));
  return common;
}

function durationOf(settlement: Settlement): number {
  if (settlement.kind === 'delivered') return Math.round(settlement.elapsedMs);
  return 'delayMs' in settlement ? Math.round(settlement.delayMs) : 0;
}

/** What is held with the message, or '' for nothing: its page, or the conversation of its letter, whose id the script adds. */
function holdOf(settlement: Settlement): string {
  if (settlement.kind === 'hold') return settlement.page ? JSON.stringify(settlement.page) : '';
  if (settlement.kind !== 'dead' || !settlement.holds) return '';
  const { request } = settlement.letter;
  return JSON.stringify({ page: request?.pageId, conversation: request?.conversationId, reason: 'dead-letter' });
}

class RefusedError extends Error {
  /** As if Redis had answered it to a command of its own. */
  override readonly name = 'ReplyError';
}
