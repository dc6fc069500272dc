import fc from 'fast-check';
import {
  discardLetters,
  expireLetters,
  readLetterData,
  settleLetter,
} from '../../../src/shared/lanes/dead/dead-letters.ts';
import { command, commandAbout } from './command.ts';
import { count, type Message, type Model } from './model.ts';

/** Longer than any run. */
const FOR_EVER_MS = 1e12;
const MANY = 10_000;

/** A letter that has just been written holds its conversation; an existing hold only notes the letter. */
export function holdForLetter(model: Model, { id, lane, page, conversation }: Message): void {
  count(model, 'hold by a letter');
  const hold = model.holds.get(lane) ?? { page, conversation, reason: 'dead-letter' as const };
  model.holds.set(lane, { ...hold, letter: hold.letter ?? id });
}

/**
 * Removes the letter, and with it the hold for this letter, unless an operator set the hold or it is kept.
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

/** Mostly letters that hold their conversations. */
function lettersOf({ letters, messages, holds }: Model): Message[] {
  const all = [...letters.keys()].flatMap((id) => messages.get(id) ?? []);
  const holding = all.filter(({ id, lane }) => holds.get(lane)?.letter === id);
  return holding.length > 0 ? holding : all;
}

export const discardCommand = commandAbout('discard', lettersOf, async (model, { shard }, { about: message }) => {
  const answers = await discardLetters(shard, [message.id, 'unknown', message.id]);
  if (answers.join() !== 'true,false,false') throw new Error(`discarding answers ${answers.join()}`);
  model.letters.delete(message.id);
  count(model, forgetLetter(model, message) === 'ended' ? 'discard of a hold' : 'discard');
});

/** An operator found out that the message of a letter arrived, or that it did not. */
export const settleCommand = commandAbout('settle', lettersOf, async (model, { shard }, { about: message }) => {
  const { id, lane, used, tried } = message;
  const data = (await readLetterData(shard, id)) ?? '';
  const found = { id, data, lane, by: 'anna', label: null };
  const notDelivered = { outcome: 'not-delivered', data: `${data} ` } as const;
  const history = tried === 0 ? {} : { history: Array.from({ length: tried }, () => '[]').join('\n') };
  const job = { name: 'text', data: '{}', opts: '{}', timestamp: 0, used, ...history };
  const delivered = { outcome: 'delivered', job } as const;
  const answers = [
    await settleLetter(shard, { ...found, end: notDelivered }),
    await settleLetter(shard, { ...found, end: delivered }),
    await settleLetter(shard, { ...found, data: `${data} `, end: delivered }),
    await settleLetter(shard, { ...found, data: `${data} `, end: delivered }),
  ];
  if (answers.join() !== 'done,changed,done,gone') throw new Error(`settling answers ${answers.join()}`);
  // What only counts for messages that wait is not kept, and the message is too old from now on.
  const rest = { isHigh: false, dueAt: null, crashes: 0, expiresAt: model.now };
  Object.assign(message, { place: 'ended', why: 'delivered', ...rest });
  model.letters.delete(id);
  count(model, forgetLetter(model, message) === 'ended' ? 'settle of a hold' : 'settle');
});

/** All letters are old enough to expire, except those with a time in the future; their holds stay. */
export const expireCommand = fc.constant(
  command('expire()', async (model, { shard }) => {
    const old = Object.entries(model.seen.letters).filter(([, diedAt]) => diedAt <= model.now);
    const { removed } = await expireLetters(shard, { keepDeadMs: 0, atMost: MANY, cursor: '0' });
    if (removed !== old.length) throw new Error(`${removed} letters expire, not ${old.length}`);
    count(model, 'expire', removed);
    for (const [id] of old) forgetForGood(model, id);
  }),
);

/** `remove()` in a dashboard, followed by a read of the indexes. */
export const removeLetterCommand = commandAbout(
  'removeLetter',
  lettersOf,
  async (model, { shard, queues }, { about: { id } }) => {
    if ((await queues.dead.remove(id)) !== 1) throw new Error(`BullMQ did not remove ${id}`);
    await expireLetters(shard, { keepDeadMs: FOR_EVER_MS, atMost: MANY, cursor: '0' });
    count(model, 'letter removed');
    forgetForGood(model, id);
  },
);

function forgetForGood(model: Model, id: string): void {
  const message = model.messages.get(id);
  if (message) forgetLetter(model, message, true);
  model.letters.delete(id);
}
