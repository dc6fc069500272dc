import type { Claim } from '../../../src/shared/lanes/claim.ts';
import type { SettleResult } from '../../../src/shared/lanes/settle.ts';
import {
  disturb,
  endMessage,
  hasEnded,
  headOf,
  type Message,
  type Model,
  windowSize,
  type Work,
  type Worker,
} from './model.ts';

const MAX_STARTS = 5;
const MAX_HISTORY = 50;

/** What the claim must answer. */
export function expectedVerdict(model: Model, { token }: Worker, { message, attempt }: Work): Claim['verdict'] {
  const { seen, now } = model;
  if (model.locks.get(message.id) !== token) return 'lost';
  if (hasEnded(message)) return 'settled';
  if (headOf(seen, message.lane) !== message.id) return 'parked';
  if (message.open === attempt) return 'go';
  if (message.starts >= MAX_STARTS) return 'crashed';
  if (message.open !== '') return 'unknown';
  if (now >= message.expiresAt) return 'expired';
  if (message.nextAt !== null && message.nextAt > now) return 'wait';
  const window = Object.keys(seen.window[message.page] ?? {});
  const room = windowSize(model, seen.pages.length) - window.length;
  return window.includes(message.id) || room > 0 ? 'go' : 'parked';
}

/** What follows for the message from the answer of a claim. */
export function applyClaim(model: Model, { message, attempt }: Work, verdict: Claim['verdict']): void {
  // What is too old to be sent gets no place any more: it ends.
  if (message.promoted && verdict !== 'lost' && verdict !== 'expired') {
    message.promoted = false;
    // Its conversation may be ready as well, until its turn there comes.
    disturb(model, message);
  }
  if (verdict === 'parked') model.locks.delete(message.id);
  const putBack = verdict === 'parked' && headOf(model.seen, message.lane) === message.id;
  if (verdict === 'go' || putBack) {
    message.putOff = null;
    message.nextAt = null;
  }
  if (verdict === 'go' && message.open !== attempt) {
    message.open = attempt;
    message.starts += 1;
  }
}

/** What is wrong with sending this message now, whatever the scripts say. */
export function whyNotSend(model: Model, worker: Worker, { message, attempt }: Work): string[] {
  const first = model.lanes.get(message.lane)?.[0];
  // A reply that was lost is given again: its leave was given in time.
  const isInTime = message.open === attempt || model.now < message.expiresAt;
  const others = model.workers.filter((other) => other !== worker && isSending(model, other));
  return [
    ...(message.end === null ? [] : [`${message.id} is sent though it is ${message.end}`]),
    ...(first === message ? [] : [`${message.id} is sent before ${first?.id}`]),
    ...(isInTime ? [] : [`${message.id} is sent though it is too old`]),
    ...(message.open === '' || message.open === attempt ? [] : [`${message.id} is sent while ${message.open} is open`]),
    ...others
      .filter(({ work }) => work?.message.lane === message.lane)
      .map(({ work }) => `${message.id} is sent while ${work?.message.id} of its conversation is`),
  ];
}

/** Whether a worker may have a request open: without its lock it has aborted it. */
function isSending(model: Model, { token, work }: Worker): boolean {
  return work?.claim?.verdict === 'go' && work.result === null && model.locks.get(work.message.id) === token;
}

/** What the settlement must answer. */
export function expectedResult(
  model: Model,
  token: string,
  message: Message,
  openAttempt: string,
): SettleResult['verdict'] {
  if (model.locks.get(message.id) !== token) return 'lost';
  if (openAttempt !== '' && message.closed === openAttempt) return 'done';
  if (hasEnded(message)) return 'settled';
  return message.open === openAttempt ? 'done' : 'lost';
}

/** What follows for the message from a settlement that was carried out, unless it was before. */
export function applySettlement(model: Model, { message, settlement }: Work): void {
  if (!settlement || (settlement.openAttempt !== '' && message.closed === settlement.openAttempt)) return;
  const { openAttempt, usedAttempt, survived, what } = settlement;
  message.closed = openAttempt;
  message.open = '';
  message.nextAt = null;
  message.putOff = null;
  if (openAttempt !== '') message.tried = Math.min(MAX_HISTORY, message.tried + 1);
  if (usedAttempt) message.used += 1;
  if (survived) message.starts = 0;
  if (what.kind === 'delivered' || what.kind === 'dead') {
    endMessage(model, message, what.kind);
    return;
  }
  message.nextAt = Math.min(model.now + what.delayMs, Math.max(model.now, message.expiresAt));
  message.putOff = what.kind;
}
