import { encodeAttempt, MAX_HISTORY, type NewAttempt } from '../../model/attempts.ts';
import type { DeadLetterPayload } from '../../model/dead-letter.ts';
import { changeKey } from '../change-key.ts';
import type { Proof } from '../../model/event.ts';
import type { TermFields } from '../../sealing/terms.ts';
import type { Seen, SeenMark } from '../lib/timeline.ts';
import { absentKey, SEND_QUEUE } from '../key-names.ts';
import type { Shard } from '../shard.ts';

/** What happens to a message after an attempt. */
export type Settlement =
  /**
   * Delivered `elapsedMs` after it was taken. `knownUntilMs`: until when its id must not be sent again, for an encrypted message.
   * `proof`: who says so; the API if it is absent. `answer`: the ids in the API's answer as JSON.
   */
  | { kind: 'delivered'; elapsedMs: number; knownUntilMs?: number | undefined; proof?: Proof; answer?: string }
  /** Stays outside its page's window until it is tried again. */
  | { kind: 'backoff'; delayMs: number }
  /** Was not sent, and keeps its place in the window. */
  | { kind: 'hold'; delayMs: number }
  /** Is held after it was sent. Like a backoff it stays outside the window, so that others of its page may find out what works. */
  | { kind: 'aside'; delayMs: number }
  /** Waits for its encryption key, outside its page's window and share. */
  | { kind: 'keyless'; delayMs: number }
  /** `holds`: its conversation is held until an operator acts. */
  | { kind: 'dead'; letter: DeadLetterPayload; holds: boolean; knownUntilMs?: number | undefined }
  /** Nothing was tried: the message comes first in its page again. */
  | { kind: 'back' };

/** An attempt that ends, and what happens to its message. */
export interface AttemptToSettle {
  id: string;
  /** The name of the attempt. */
  attempt: string;
  /** The entry for the history; `null` if nothing was tried. */
  record: NewAttempt | null;
  /** Whether the worker that opened the attempt settles it; `false` if that worker died. */
  survived: boolean;
  settlement: Settlement;
}

/**
 * `done`: carried out; the message waits `delayMs` if it was a backoff or a hold. `late`: another worker has closed the
 * attempt, so the record went to the history only. `ended`: the message has ended. `lost`: the message is gone.
 */
export type SettleResult = { verdict: 'done'; delayMs: number } | { verdict: 'late' | 'ended' | 'lost' };

/** A message that a worker has taken, with an open attempt. */
export interface Taken {
  /** `go`: send it. `unknown`: a worker died while this attempt was open; `crashed`: the same, once too often. `expired`: too old. */
  verdict: 'go' | 'unknown' | 'expired' | 'crashed';
  id: string;
  attempt: string;
  type: string;
  /** The request as Redis stores it. */
  data: string;
  enqueuedAtMs: number;
  /** The conversation in whose order it stands, as key-names.ts names it. */
  lane: string;
  attemptsUsed: number;
  /** Lines of JSON, as `decodeHistory` reads them. */
  history: string;
  label: string | null;
  policy: string | null;
  replays: string | null;
  /** What else stands beside an encrypted message; `null` for a message that the take did not take for an encrypted one. */
  times: TermFields['times'] | null;
}

/** The arguments of a worker's call to a shard, for one turn of its event loop. */
export interface Turn {
  token: string;
  lockMs: number;
  /** Prefix of the names of the attempts that this call opens; unique to the call. */
  attemptPrefix: string;
  settlements: readonly AttemptToSettle[];
  /** The most messages to take. */
  places: number;
  /** Number of the slots it has reserved that are due. */
  dueSlots: number;
  /** Number of the slots it has reserved that are not due yet. */
  laterSlots: number;
  /** `woken`: the worker had undertaken to look now. `due`: a wait that it knows of is over. Both bring back what is due. */
  look: 'woken' | 'due' | '';
  /** Whether to take one message as a probe, whatever the limit says. */
  isProbe: boolean;
  /** The timeline and mark of the shard where the worker last saw it: nothing is taken from an earlier state. '' for any state. */
  position: string;
}

export interface TurnAnswer {
  /** The result of each settlement, in the order of the call. */
  settled: (SettleResult | Error)[];
  taken: Taken[];
  /** Ids of jobs that were no messages of ours; the jobs are removed. */
  foreign: string[];
  /** Messages that Redis refused to hand out. */
  refused: { id: string; error: Error }[];
  /** Ms until each reserved slot is due. */
  slotsMs: number[];
  /** Ms until the worker must look again; `null` if it need not. */
  lookAgainMs: number | null;
  /** This shard's share of the fleet's limit; `null` for no limit, `undefined` if this call did not read it. */
  limit: SlotLimit | null | undefined;
  /** The shard's mark; `elsewhere` if nothing was taken because of it; `null` if this call did not read it. */
  seen: Seen | null;
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
  isElsewhere?: '1' | '',
  mark?: number,
  at?: number,
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
    turn.position,
    ...turn.settlements.flatMap(argumentsOf),
  );
  const [settled, given, slots, lookAgain, intervalMs, burst = 1, isElsewhere, mark, at] = reply as Reply;
  const answer: TurnAnswer = {
    settled: settled.map(settleResult),
    taken: [],
    foreign: [],
    refused: [],
    slotsMs: slots.map(Number),
    lookAgainMs: lookAgain === '' ? null : Number(lookAgain),
    limit: limitOf(intervalMs, burst),
    seen: isElsewhere === '1' ? 'elsewhere' : markOf(mark, at),
  };
  for (const [verdict, id, attempt, ...fields] of given) {
    if (verdict === 'foreign') answer.foreign.push(id);
    else if (verdict === 'error') answer.refused.push({ id, error: new RefusedError(attempt ?? '') });
    else answer.taken.push(takenOf(verdict, id, attempt ?? '', fields));
  }
  return answer;
}

/** Wakes another worker, for a worker that was woken but takes no messages. */
export async function wakeAnother({ redis, root }: Shard): Promise<void> {
  await changeKey(redis, `${root}${SEND_QUEUE}:marker`, [['ZADD', 0, '0']]);
}

function takenOf(verdict: Taken['verdict'], id: string, attempt: string, fields: readonly (string | null)[]): Taken {
  const [type, data, timestamp, lane, label, policy, replays, used, history, expiresAt, due, high] = fields;
  return {
    verdict,
    id,
    attempt,
    type: type ?? '',
    data: data ?? '',
    enqueuedAtMs: Number(timestamp ?? 0),
    lane: lane ?? '',
    attemptsUsed: Number(used ?? 0) || 0,
    history: history ?? '',
    label: label ?? null,
    policy: policy ?? null,
    replays: replays ?? null,
    times: typeof expiresAt === 'string' ? { expiresAt, due: due ?? null, high: high ?? null } : null,
  };
}

function limitOf(intervalMs: string | undefined, burst: number): TurnAnswer['limit'] {
  if (intervalMs === undefined || intervalMs === '') return undefined;
  return intervalMs === '0' ? null : { intervalMs: Number(intervalMs), burst };
}

function markOf(mark: number | undefined, at: number | undefined): SeenMark | null {
  return mark === undefined || at === undefined ? null : { mark, at };
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
  if (kind === 'delivered' || kind === 'dead') common.push(settlement.knownUntilMs ?? '');
  if (kind === 'delivered') common.push(...wordsOf(settlement));
  if (kind === 'dead') common.push(holdAsJson(settlement), settlement.letter.reason, JSON.stringify(settlement.letter));
  return common;
}

function wordsOf({ proof = 'api', answer = '' }: Extract<Settlement, { kind: 'delivered' }>): string[] {
  return [proof === 'api' ? '' : proof, answer];
}

function durationOf(settlement: Settlement): number {
  if (settlement.kind === 'delivered') return Math.round(settlement.elapsedMs);
  return 'delayMs' in settlement ? Math.round(settlement.delayMs) : 0;
}

/** Returns the hold of the dead letter's conversation as JSON, to which the script adds the letter's id; '' if it holds nothing. */
function holdAsJson({ letter, holds }: Extract<Settlement, { kind: 'dead' }>): string {
  if (!holds) return '';
  const { request } = letter;
  return JSON.stringify({ page: request?.pageId, conversation: request?.conversationId, reason: 'dead-letter' });
}

class RefusedError extends Error {
  /** The name of the errors with which Redis answers a command. */
  override readonly name = 'ReplyError';
}
