import fc from 'fast-check';
import { cancel, type CancelResult } from '../../../src/shared/lanes/cancel.ts';
import { checked, command, type LaneCommand } from './command.ts';
import { count, endMessage, hasEnded, type Message, type Model, pick } from './model.ts';
import type { World } from './world.ts';

/** A user cancels a message, in whatever state it is, and perhaps once more. Mostly one that is open. */
export const cancelCommand = fc
  .record({ n: fc.nat(30), isOpen: fc.boolean(), isRepeated: fc.boolean() })
  .map(({ n, isOpen, isRepeated }): LaneCommand => {
    const find = (model: Model): Message | undefined =>
      pick(
        [...model.messages.values()].filter(({ end }) => !isOpen || end === null),
        n,
      );
    return command({
      name: `cancel(${n}${isOpen ? ', open' : ''}${isRepeated ? ', repeated' : ''})`,
      may: (model) => find(model) !== undefined,
      act: async (model, world) => {
        const message = find(model);
        if (!message) return;
        await checked(model, world, async () => await cancelMessage(model, world, message));
        if (isRepeated) await checked(model, world, async () => await cancelMessage(model, world, message));
      },
    });
  });

export const cancelUnknownCommand = fc.constant(
  command({
    name: 'cancelUnknown()',
    act: async (model, { shard }) => {
      const answer = await cancel(shard, 'unknown');
      count(model, answer);
      if (answer !== 'not-found') throw new Error(`cancelling what never was answers ${answer}`);
    },
  }),
);

async function cancelMessage(model: Model, world: World, message: Message): Promise<string[]> {
  const { id, end, page, dueAt } = message;
  const expected = expectedAnswer(model, message);
  const answer = await cancel(world.shard, id);
  count(model, answer);
  if (answer !== expected) throw new Error(`cancelling ${id} answers ${answer}, not ${expected}`);
  if (answer !== 'cancelled' || end === 'cancelled') return [];
  endMessage(model, message, 'cancelled');
  const { wait, delayed, failed } = await world.look();
  if (wait.includes(id) || id in delayed || failed.includes(id)) throw new Error(`${id} is cancelled and handed out`);
  return dueAt === null ? [page] : [];
}

function expectedAnswer({ seen, letters }: Model, message: Message): CancelResult {
  const { id, end, open } = message;
  if (letters.has(id)) return 'too-late';
  if (!seen.jobs[id]) return 'not-found';
  if (end === 'cancelled') return 'cancelled';
  return hasEnded(message) || open !== '' ? 'too-late' : 'cancelled';
}
