import type { AttemptRecord } from '../../../src/shared/attempts.ts';
import type { DeadLetterPayload } from '../../../src/shared/dead-letter.ts';
import { claim, type FleetWord } from '../../../src/shared/lanes/claim.ts';
import { type AttemptToSettle, settle, type Settlement, type TimedHold } from '../../../src/shared/lanes/settle.ts';
import { NO_KEYS } from '../../../src/shared/sealing/sealing.ts';
import type { BuryConfig } from '../../../src/worker/bury-lost.ts';
import { delivered } from '../lanes.ts';
import { applySettlement, expectedResult, whyNotSend } from './expected.ts';
import { applyClaim, expectedClaim } from './expected-claim.ts';
import { count, type Message, type Model, newName, type Work, type Worker } from './model.ts';
import type { World } from './world.ts';

/** What becomes of a message that a worker may send, or of one whose last worker died. */
export interface Outcome {
  kind: Settlement['kind'];
  delayMs: number;
  usedAttempt: boolean;
  /** Whether a hold is the whole page's. */
  holdsPage: boolean;
  /** What the fleet says before it is sent. */
  word: FleetWord;
  /** Every reply is lost once, with the connection: the client asks again. */
  isRepeated: boolean;
}

export const DELIVERED: Outcome = {
  kind: 'delivered',
  delayMs: 0,
  usedAttempt: false,
  holdsPage: false,
  word: { verdict: 'go' },
  isRepeated: false,
};

/** How a worker buries what BullMQ failed by itself. */
export const BURY: BuryConfig = { attempts: 8, onUnknownOutcome: 'resend', onDeadLetter: 'continue', sealing: NO_KEYS };

/** A dead letter as its queue needs it; what stands in it is not the lanes' business. */
export const LETTER: DeadLetterPayload = {
  v: 1,
  reason: 'rejected',
  request: null,
  enqueuedAt: '2026-11-22T10:00:00.000Z',
  attempts: [],
  attemptsUsed: 0,
  attemptsAllowed: 8,
  response: null,
  label: null,
  replayOf: null,
};

export async function take(model: Model, world: World, worker: Worker): Promise<void> {
  const id = await world.take(worker.token);
  const message = id === null ? undefined : model.messages.get(id);
  if (!message) return;
  model.locks.set(message.id, worker.token);
  const attempt = newName(model, 'a');
  worker.work = { message, attempt, claim: null, word: DELIVERED.word, settlement: null, result: null };
}

/** Asks for leave to send, for the first time or again. Returns the page whose messages may go on. */
export async function claimWork(model: Model, world: World, worker: Worker, work: Work): Promise<string | undefined> {
  const { message, attempt, word } = work;
  const expected = expectedClaim(model, worker, work, word);
  const answer = await claim(world.shard, { id: message.id, token: worker.token, attempt }, word);
  const { verdict } = answer;
  count(model, verdict === 'wait' && expected.putOff ? `wait for ${expected.putOff}` : verdict);
  const wrong = [
    ...(verdict === expected.verdict ? [] : [`the claim of ${message.id} answers ${verdict}, not ${expected.verdict}`]),
    ...(verdict === 'go' ? whyNotSend(model, worker, work) : []),
    ...('claimed' in answer && answer.claimed.attemptsUsed !== message.used
      ? ['the claim counts attempts wrongly']
      : []),
    ...(verdict === 'wait' && answer.delayMs !== (expected.untilMs ?? 0) - model.now
      ? [`the claim of ${message.id} waits ${answer.delayMs} ms, not ${(expected.untilMs ?? 0) - model.now}`]
      : []),
    ...(verdict === 'settled' && answer.as !== message.end ? ['the claim names another end'] : []),
    ...('claimed' in answer && verdict !== 'go' && answer.claimed.openAttempt !== message.open
      ? ['the claim names another open attempt']
      : []),
  ];
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  const goesOn = applyClaim(model, work, expected);
  work.claim = answer;
  return goesOn ? message.page : undefined;
}

/** Decides as a worker does; `null` if there is nothing to settle. */
export function decide(model: Model, { claim: answer, message }: Work, outcome: Outcome): Work['settlement'] {
  if (!answer || !('claimed' in answer)) return null;
  const { verdict, claimed } = answer;
  const what = settlementOf(model, message, verdict, outcome);
  const usedAttempt = verdict === 'go' ? outcome.usedAttempt && what.kind !== 'delivered' : verdict === 'unknown';
  return { openAttempt: claimed.openAttempt, usedAttempt, survived: verdict === 'go', what };
}

/** Decides and settles. Returns the page whose messages may go on. */
export async function settleWork(
  model: Model,
  world: World,
  worker: Worker,
  { work, outcome }: { work: Work; outcome: Outcome },
): Promise<string | undefined> {
  work.settlement = decide(model, work, outcome);
  return await callSettle(model, world, worker, work);
}

/** What a worker says of the attempt that it settles. */
export function attemptToSettle(
  model: Model,
  { token }: Worker,
  { message: { id } }: Work,
  { openAttempt, usedAttempt, survived }: NonNullable<Work['settlement']>,
): AttemptToSettle {
  const record = openAttempt === '' ? null : recordOf(model, usedAttempt);
  return { id, token, openAttempt, record, survived };
}

/** Sends the same settlement, for the first time or again. */
async function callSettle(model: Model, world: World, worker: Worker, work: Work): Promise<string | undefined> {
  const { message, settlement } = work;
  if (!settlement) return undefined;
  const { openAttempt, what } = settlement;
  const expected = expectedResult(model, worker.token, message, openAttempt);
  const isRepeated = work.result !== null;
  const result = await settle(world.shard, attemptToSettle(model, worker, work, settlement), what);
  count(model, result.verdict === 'done' ? `settle ${what.kind}` : `settle: ${result.verdict}`);
  if (result.verdict !== expected) {
    throw new Error(`settling ${message.id} as ${what.kind} answers ${result.verdict}, not ${expected}`);
  }
  work.result = result;
  if (result.verdict !== 'done') return undefined;
  applySettlement(model, work);
  const expectedDelayMs = Math.max(0, (message.nextAt ?? 0) - model.now);
  if (result.delayMs !== expectedDelayMs) {
    throw new Error(`${message.id} waits ${result.delayMs} ms, not ${expectedDelayMs}`);
  }
  return isRepeated || what.kind === 'hold' ? undefined : message.page;
}

/** Its last call once more: the reply was lost. */
export async function repeatWork(model: Model, world: World, worker: Worker, work: Work): Promise<string | void> {
  count(model, 'repeat');
  return work.settlement ? await callSettle(model, world, worker, work) : await claimWork(model, world, worker, work);
}

/** What BullMQ is told at the end. It does nothing for a worker whose lock is gone, as that of a delivered message is. */
export async function finishWork(model: Model, world: World, worker: Worker, work: Work): Promise<void> {
  worker.work = null;
  const { message, claim: answer, result, settlement } = work;
  const { id } = message;
  if (model.locks.get(id) !== worker.token) return;
  model.locks.delete(id);
  const endsAsDead = answer?.verdict === 'settled' ? answer.as === 'dead' : settlement?.what.kind === 'dead';
  if (answer?.verdict === 'wait') await world.putOff(id, model.now + answer.delayMs);
  else if (result?.verdict === 'done' && goesOnLater(work)) await world.putOff(id, model.now + result.delayMs);
  else if (endsAsDead && result?.verdict !== 'settled') await world.discard(id);
  else await world.complete(id, model.now);
}

/** The worker doesn't know that its message was cancelled after its settlement. */
function goesOnLater({ message: { end }, settlement }: Work): boolean {
  return end === null || (end === 'cancelled' && settlement?.what.kind !== 'delivered');
}

function settlementOf(
  { policy }: Model,
  message: Message,
  verdict: 'go' | 'unknown' | 'expired' | 'crashed',
  outcome: Outcome,
): Settlement {
  const { kind, delayMs, holdsPage } = outcome;
  if (verdict === 'expired' || verdict === 'crashed' || kind === 'dead') {
    return { kind: 'dead', letter: LETTER, holds: policy === 'hold' };
  }
  // Whether a message was delivered whose worker died can't be known: it is tried again.
  if (verdict === 'unknown') return { kind: 'backoff', delayMs };
  const page: TimedHold = { pageId: message.page, reason: 'rate-limited' };
  return kind === 'hold' && holdsPage ? { kind, delayMs, page } : plainSettlement(kind, delayMs);
}

export function plainSettlement(kind: Settlement['kind'], delayMs: number): Settlement {
  if (kind === 'dead') return { kind, letter: LETTER };
  return kind === 'delivered' ? delivered : { kind, delayMs };
}

function recordOf({ now }: Model, usedAttempt: boolean): AttemptRecord {
  const at = new Date(now).toISOString();
  return { at, outcome: 'failed', detail: null, httpStatus: 500, durationMs: 1, usedAttempt };
}
