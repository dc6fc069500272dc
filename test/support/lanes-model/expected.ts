import type { SettleResult } from '../../../src/shared/lanes/settle.ts';
import { holdForLetter, isHeld } from './holds.ts';
import { count, endMessage, endWait, hasEnded, type Message, type Model, type Work, type Worker } from './model.ts';

const MAX_HISTORY = 50;

/** What is wrong with sending this message now, whatever the scripts say. */
export function whyNotSend(model: Model, worker: Worker, { message, attempt }: Work): string[] {
  const first = model.lanes.get(message.lane)?.[0];
  // A reply that was lost is given again: its leave was given in time.
  const isAgain = message.open === attempt;
  const others = model.workers.filter((other) => other !== worker && isSending(model, other));
  return [
    ...(message.end === null ? [] : [`${message.id} is sent though it is ${message.end}`]),
    ...(first === message ? [] : [`${message.id} is sent before ${first?.id}`]),
    ...(isAgain || model.now < message.expiresAt ? [] : [`${message.id} is sent though it is too old`]),
    ...(isAgain || (model.timed.get(message.page) ?? 0) <= model.now ? [] : [`${message.id} is sent during a hold`]),
    ...(isAgain || !isHeld(model, message.lane) ? [] : [`${message.id} is sent though it is held`]),
    ...(message.open === '' || isAgain ? [] : [`${message.id} is sent while ${message.open} is open`]),
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
  if (model.seen.jobs[message.id] && openAttempt !== '' && message.closed === openAttempt) return 'done';
  if (model.locks.get(message.id) !== token) return 'lost';
  if (hasEnded(message)) return 'settled';
  return message.open === openAttempt ? 'done' : 'lost';
}

/** What follows for the message from a settlement that was carried out, unless it was before. */
export function applySettlement(model: Model, { message, settlement }: Work): void {
  if (!settlement || (settlement.openAttempt !== '' && message.closed === settlement.openAttempt)) return;
  const { openAttempt, usedAttempt, survived, what } = settlement;
  message.closed = openAttempt;
  message.open = '';
  endWait(message);
  if (openAttempt !== '') message.tried = Math.min(MAX_HISTORY, message.tried + 1);
  if (usedAttempt) message.used += 1;
  if (survived) message.starts = 0;
  if (what.kind === 'delivered' || what.kind === 'dead') {
    endMessage(model, message, what.kind);
    // With BullMQ, too: nobody has it any more.
    if (what.kind === 'delivered') model.locks.delete(message.id);
    if (what.kind === 'dead' && what.holds) holdForLetter(model, message);
    return;
  }
  message.nextAt = Math.min(model.now + what.delayMs, Math.max(model.now, message.expiresAt));
  message.putOff = what.kind;
  if (what.kind !== 'hold' || !what.page) return;
  model.timed.set(message.page, Math.max(model.now + what.delayMs, model.timed.get(message.page) ?? 0));
  count(model, 'timed hold');
}
