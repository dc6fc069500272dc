import fc from 'fast-check';
import { discardLetters, expireLetters } from '../../../src/shared/lanes/letters.ts';
import { checked, command, type LaneCommand } from './command.ts';
import { standsNowhere } from './hold-commands.ts';
import { forgetLetter } from './holds.ts';
import { count, type Message, type Model, pick } from './model.ts';
import { workersWith } from './producer-commands.ts';
import { repeatWork } from './worker-steps.ts';
import type { World } from './world.ts';

/** Longer than any run. */
const FOR_EVER_MS = 10 ** 13;
const MANY = 1000;

/** The workers are set up anew: from now on a dead letter holds its conversation, or doesn't. */
export const policyCommand = fc
  .constantFrom('hold', 'hold', 'continue')
  .map((policy): LaneCommand =>
    command({ name: `policy(${policy})`, act: async (model) => void (model.policy = policy) }),
  );

/** Often one that holds its conversation, in which others wait. */
function find({ letters, messages, holds, lanes }: Model, n: number): Message | undefined {
  const dead = [...letters].flatMap((id) => messages.get(id) ?? []);
  const holding = dead.filter(({ id, lane }) => holds.get(lane)?.letter === id && lanes.has(lane));
  return pick(n % 2 === 0 && holding.length > 0 ? holding : dead, n);
}

/** An operator removes a dead letter, perhaps twice. A worker that wrote it may write it again then. */
export const discardCommand = fc.tuple(fc.nat(30), fc.boolean()).map(([n, isRepeated]): LaneCommand =>
  command({
    name: `discard(${n}${isRepeated ? ', repeated' : ''})`,
    may: (model) => find(model, n) !== undefined,
    act: async (model, world) => {
      const message = find(model, n);
      if (!message) return;
      await checked(model, world, async () => await discard(model, world, message));
      if (isRepeated) await checked(model, world, async () => await discard(model, world, message));
      for (const worker of workersWith(model, message)) {
        const { work } = worker;
        if (work) await checked(model, world, async () => await repeatWork(model, world, worker, work));
      }
    },
  }),
);

async function discard(model: Model, { shard }: World, message: Message): Promise<string[]> {
  const [wasThere] = await discardLetters(shard, [message.id]);
  if (wasThere !== model.letters.delete(message.id)) throw new Error(`discarding ${message.id} answers ${wasThere}`);
  count(model, 'discard');
  if (forgetLetter(model, message) !== 'ended') return [];
  count(model, 'discard of a hold');
  return standsNowhere(model.seen, message.page, message.lane) ? [message.page] : [];
}

/** All letters are old enough to go; what they hold stays held. */
export const expireCommand = fc.constant(
  command({
    name: 'expire()',
    may: ({ letters }) => letters.size > 0,
    act: async (model, { shard }) => {
      const { removed } = await expireLetters(shard, { keepDeadMs: 0, atMost: MANY, cursor: '0' });
      if (removed !== model.letters.size) throw new Error(`${removed} letters expire, not ${model.letters.size}`);
      count(model, 'expire');
      forgetAll(model, model.letters);
    },
  }),
);

/** `remove()` in some dashboard, and a look at the indexes. */
export const removeLetterCommand = fc.nat(30).map((n): LaneCommand =>
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

function forgetAll(model: Model, ids: Iterable<string>): void {
  for (const id of ids) {
    const message = model.messages.get(id);
    if (message) forgetLetter(model, message, true);
    model.letters.delete(id);
  }
}
