import type { Taken, TurnAnswer } from '../../../src/shared/lanes/messages/settle-and-take.ts';
import { isHeld } from './hold-invariants.ts';
import { count, graceMs, type Message, type Model, type Worker } from './model.ts';
import { noteLeaving } from './pace.ts';

const MOST_CRASHES = 5;

/**
 * Checks the messages that a worker is given. Throws if it may not have one of them.
 *
 * @param prefix the prefix of the names of its attempts
 */
export function receive(model: Model, worker: Worker, { taken, foreign, refused }: TurnAnswer, prefix: string): void {
  for (const { id, error } of refused) throw new Error(`Redis refuses to hand out ${id}`, { cause: error });
  for (const id of foreign) {
    if (model.messages.get(id)?.why !== 'removed' && id !== 'foreign') throw new Error(`${id} is called foreign`);
    // The job of a head was removed while it was released: its conversation waits for a repair.
    if (id !== 'foreign') model.isDisturbed = true;
    count(model, 'foreign');
  }
  for (const each of taken) {
    const message = model.messages.get(each.id);
    if (!message) throw new Error(`${each.id} was never stored`);
    const problem =
      message.place === 'sending' && !isUntried(message)
        ? found(model, message, each)
        : begun(model, message, each, prefix);
    if (problem !== null) throw new Error(`${each.id} is given as ${each.verdict}: ${problem}`);
    if (each.attemptsUsed !== message.used) throw new Error(`${each.id} has used ${each.attemptsUsed} attempts`);
    count(model, each.verdict);
    model.locks.set(message.id, worker.token);
    worker.works.push({ message, verdict: each.verdict, attempt: each.attempt });
  }
  count(model, `taken together: ${Math.min(taken.length, 3)}`);
}

/** Another worker was about to send the message, and is gone. */
function found(model: Model, message: Message, { verdict, attempt }: Taken): string | null {
  if (model.locks.has(message.id)) return 'another worker sends it';
  if (graceMs(model) > 0) return 'its worker may live';
  message.crashes += 1;
  const expected = message.crashes >= MOST_CRASHES ? 'crashed' : 'unknown';
  return verdict === expected && attempt === message.attempt ? null : `it should be ${expected}`;
}

/** The message was too old to be sent when another worker took it. */
export function isUntried({ place, attempt }: Message): boolean {
  return place === 'sending' && attempt.endsWith('-');
}

function begun(model: Model, message: Message, { verdict, attempt }: Taken, prefix: string): string | null {
  const { id, lane, page } = message;
  const isPutOffByHand = model.wasDisturbed && message.place === 'put-off';
  if (isUntried(message) && model.locks.has(id)) return 'another worker has it';
  if (message.place !== 'waiting' && !isPutOffByHand && !isUntried(message)) return `it is ${message.place}`;
  if (model.lanes.get(lane)?.[0] !== message) return 'it is no head';
  const expected = model.now >= message.expiresAt ? 'expired' : 'go';
  if (isHeld(model, lane) && !(isUntried(message) && expected === 'expired')) return 'it is held';
  if (verdict !== expected) return `it should be ${expected}`;
  if (!attempt.startsWith(prefix)) return `its attempt is ${attempt}`;
  const wasTaken = isUntried(message);
  Object.assign(message, { place: 'sending', why: null, nextAt: null, attempt });
  // A message that was released before had its turn before.
  if (!wasTaken && model.seen.jobs[id]?.['place'] !== 'released') noteLeaving(model, page);
  return null;
}
