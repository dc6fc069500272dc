import fc from 'fast-check';
import { bury } from '../../../src/shared/lanes/bury.ts';
import { buryFailed } from '../../../src/worker/bury-lost.ts';
import { checked, command, type LaneCommand } from './command.ts';
import { holdForLetter } from './holds.ts';
import { withoutMemory } from './memory-commands.ts';
import { count, endMessage, type Message, type Model, openMessages, pick } from './model.ts';
import { BURY, LETTER } from './worker-steps.ts';
import type { World } from './world.ts';

const number = fc.nat(30);

/** BullMQ fails a job that a worker has, without asking us. What it failed may be buried at once, or later. */
export const failCommand = fc
  .tuple(number, fc.constantFrom('left', 'buried', 'buried without memory'))
  .map(([n, then]): LaneCommand => {
    const find = ({ workers, locks }: Model) =>
      pick(
        workers.filter(({ token, work }) => work && locks.get(work.message.id) === token),
        n,
      );
    return command({
      name: `fail(${n}, ${then})`,
      may: (model) => find(model) !== undefined,
      act: async (model, world) => {
        const worker = find(model);
        if (!worker?.work) return undefined;
        const { id } = worker.work.message;
        await checked(model, world, async () => {
          await world.fail(id);
          model.locks.delete(id);
          worker.work = null;
        });
        if (then === 'left') return undefined;
        if (then === 'buried') return await buryAll(model, world);
        return await withoutMemory(world, async () => await buryAll(model, world));
      },
    });
  });

export const buryCommand = fc.constant(
  command({
    name: 'bury()',
    may: ({ seen }) => seen.failed.length > 0,
    act: async (model, world) => await buryAll(model, world),
  }),
);

export async function buryAll(model: Model, world: World): Promise<string[]> {
  const lost = openMessages(model).filter(({ id }) => model.seen.failed.includes(id));
  const buried = await buryFailed(world.shard, { ...BURY, onDeadLetter: model.policy });
  if (buried !== lost.length) throw new Error(`${buried} messages are buried, not ${lost.length}`);
  for (const message of lost) die(model, message);
  count(model, 'bury');
  return lost.map(({ page }) => page);
}

function die(model: Model, message: Message): void {
  endMessage(model, message, 'dead');
  if (model.policy === 'hold') holdForLetter(model, message);
}

/** A job that no worker can read: it is in nobody's hands, whoever has its lock. */
export const buryUnreadableCommand = number.map((n): LaneCommand => {
  const find = ({ seen, messages, workers }: Model): Message | undefined => {
    const claimed = new Set(workers.map(({ work }) => work?.claim && work.message));
    return pick(
      [...messages.values()].filter((message) => seen.jobs[message.id] && !claimed.has(message)),
      n,
    );
  };
  return command({
    name: `buryUnreadable(${n})`,
    may: (model) => find(model) !== undefined,
    act: async (model, world) => {
      const message = find(model);
      if (!message) return [];
      const { id, page } = message;
      const isReachable = [...model.seen.wait, ...model.seen.active, ...model.seen.failed].includes(id);
      const how = { unreadable: true, holds: model.policy === 'hold' };
      const isBuried = await bury(world.shard, id, { ...LETTER, reason: 'undecodable' }, how);
      if (isBuried !== (message.end === null && isReachable)) throw new Error(`burying ${id} answers ${isBuried}`);
      if (!isBuried) return [];
      die(model, message);
      model.locks.delete(id);
      return [page];
    },
  });
});
