import fc from 'fast-check';
import { discardLetters, expireLetters } from '../../../src/shared/lanes/letters.ts';
import { command, type LaneCommand } from './command.ts';
import { count, type Message, type Model, pick } from './model.ts';

/** Longer than any run. */
const FOR_EVER_MS = 1e12;
const MANY = 10_000;
const number = fc.nat(30);

/** A letter that has just been written holds its conversation; a hold that stands already only notes it. */
export function holdForLetter(model: Model, { id, lane, page, conversation }: Message): void {
  count(model, 'hold by a letter');
  const hold = model.holds.get(lane) ?? { page, conversation, reason: 'dead-letter' as const };
  model.holds.set(lane, { ...hold, letter: hold.letter ?? id });
}

/**
 * The letter is gone, and with it the hold that it stands for, unless that is an operator's or is kept.
 *
 * @returns whether the letter held its conversation, and whether that is over.
 */
export function forgetLetter(model: Model, { id, lane }: Message, isKept = false): 'none' | 'kept' | 'ended' {
  const hold = model.holds.get(lane);
  if (hold?.letter !== id) return 'none';
  const { letter: _letter, ...rest } = hold;
  if (hold.reason === 'dead-letter' && !isKept) model.holds.delete(lane);
  else model.holds.set(lane, rest);
  return model.holds.has(lane) ? 'kept' : 'ended';
}

function forgetAll(model: Model, ids: Iterable<string>): void {
  for (const id of ids) {
    const message = model.messages.get(id);
    if (message) forgetLetter(model, message, true);
    model.letters.delete(id);
  }
}

/** Mostly one that holds its conversation. */
function find({ letters, messages, holds }: Model, n: number): Message | undefined {
  const all = [...letters.keys()].flatMap((id) => messages.get(id) ?? []);
  const holding = all.filter(({ id, lane }) => holds.get(lane)?.letter === id);
  return pick(holding.length > 0 ? holding : all, n);
}

export const discardCommand = number.map((n): LaneCommand =>
  command({
    name: `discard(${n})`,
    may: (model) => find(model, n) !== undefined,
    act: async (model, { shard }) => {
      const message = find(model, n);
      if (!message) return;
      const answers = await discardLetters(shard, [message.id, 'unknown', message.id]);
      if (answers.join() !== 'true,false,false') throw new Error(`discarding answers ${answers.join()}`);
      model.letters.delete(message.id);
      count(model, forgetLetter(model, message) === 'ended' ? 'discard of a hold' : 'discard');
    },
  }),
);

/** All letters are old enough to go; what they hold stays held. */
export const expireCommand = fc.constant(
  command({
    name: 'expire()',
    may: ({ letters }) => letters.size > 0,
    act: async (model, { shard }) => {
      // Those that died before the clock was set back are not old yet.
      const old = Object.entries(model.seen.letters).filter(([, diedAt]) => diedAt <= model.now);
      const { removed } = await expireLetters(shard, { keepDeadMs: 0, atMost: MANY, cursor: '0' });
      if (removed !== old.length) throw new Error(`${removed} letters expire, not ${old.length}`);
      count(model, 'expire');
      forgetAll(
        model,
        old.map(([id]) => id),
      );
    },
  }),
);

/** `remove()` in some dashboard, and a look at the indexes. */
export const removeLetterCommand = number.map((n): LaneCommand =>
  command({
    name: `removeLetter(${n})`,
    may: (model) => find(model, n) !== undefined,
    act: async (model, { shard }) => {
      const message = find(model, n);
      if (!message) return;
      if ((await shard.dead.remove(message.id)) !== 1) throw new Error(`BullMQ did not remove ${message.id}`);
      await expireLetters(shard, { keepDeadMs: FOR_EVER_MS, atMost: MANY, cursor: '0' });
      count(model, 'letter removed');
      forgetAll(model, [message.id]);
    },
  }),
);
