import fc from 'fast-check';
import { reconcile } from '../../../src/shared/lanes/reconcile.ts';
import { checked, command, type LaneCommand } from './command.ts';
import { comeBack, count, endMessage, isOpen, type Message, type Model, openMessages, PAGES, pick } from './model.ts';
import type { World } from './world.ts';

const number = fc.nat(30);
const MANY_PASSES = 10;

/** What somebody does behind our back; mostly it is mended before anything else happens. */
function disturbance(
  name: string,
  isMended: boolean,
  act: (model: Model, world: World) => Promise<boolean>,
): LaneCommand {
  return command({
    name: `${name}${isMended ? ' and mend' : ''}`,
    act: async (model, world) => {
      await checked(model, world, async () => {
        if (!(await act(model, world))) return;
        model.wasDisturbed = true;
        count(model, 'disturbance');
      });
      if (isMended) await checked(model, world, async () => await mend(model, world));
    },
  });
}

/** `remove()` in some dashboard. BullMQ refuses it for a job with a lock. */
export const removeCommand = fc.tuple(number, fc.boolean()).map(([n, isMended]) =>
  disturbance(`remove(${n})`, isMended, async (model, world) => {
    const message = pick(
      [...model.messages.values()].filter(
        ({ id }) => model.seen.jobs[id]?.['lane'] !== undefined && !model.seen.locks[id],
      ),
      n,
    );
    if (!message || model.lost === 'key') return false;
    model.lost = 'jobs';
    await world.remove(message.id);
    if (isOpen(message)) model.isDisturbed = true;
    endMessage(model, message, 'removed');
    return true;
  }),
);

/** An operator puts a job into `wait` out of its turn. */
export const promoteCommand = fc.tuple(number, fc.boolean()).map(([n, isMended]) =>
  disturbance(`promote(${n})`, isMended, async (model, world) => {
    const { hidden, delayed, completed } = model.seen;
    const sets = { 'waiting-children': hidden, delayed: Object.keys(delayed), completed: Object.keys(completed) };
    const all = Object.entries(sets).flatMap(([set, ids]) => ids.map((id) => ({ set, id })));
    const found = pick(all, n);
    if (!found) return false;
    await world.promote(found.id, found.set);
    model.strays.add(found.id);
    return true;
  }),
);

const INDEXES = ['turns', 'paced', 'pages', 'asleep', 'due', 'send:wait', 'send:active', 'send:delayed'];
const anyIndex = fc.constantFrom(...INDEXES, ...PAGES.map((page) => `heads:${page}`));

/** Somebody deletes a key, or Redis has lost it. */
export const forgetCommand = fc.tuple(anyIndex, fc.boolean()).map(([key, isMended]) =>
  disturbance(`forget(${key})`, isMended, async (model, world) => {
    if (model.lost !== null) return false;
    await world.forget(key);
    Object.assign(model, { lost: 'key', isDisturbed: true });
    return true;
  }),
);

/** A job of somebody else. */
export const foreignCommand = fc.constant(
  command({
    name: 'foreign()',
    may: ({ seen }) => !seen.wait.includes('foreign'),
    act: async (_model, { redis, shard }) => {
      await redis.hset(`${shard.root}send:foreign`, 'name', 'x');
      await redis.multi().lpush(`${shard.root}send:wait`, 'foreign').zadd(`${shard.root}send:marker`, 0, '0').exec();
    },
  }),
);

/** Redis forgets all scripts. */
export const scriptFlushCommand = fc.constant(
  command({
    name: 'scriptFlush()',
    act: async (_model, { redis }) => await redis.script('FLUSH'),
  }),
);

/** What the leader does at intervals: it mends what stands still. */
export const reconcileCommand = fc.constant(
  command({ name: 'reconcile()', act: async (model, world) => await mend(model, world) }),
);

/** Passes until nothing is left to mend. Where no operator has been, there is nothing from the first. */
export async function mend(model: Model, world: World): Promise<void> {
  for (let pass = 1; ; pass += 1) {
    const { cursor, repairs } = await reconcile(world.shard, '0');
    if (cursor !== '0') throw new Error(`one pass stops at ${cursor}`);
    if (repairs > 0 && !model.wasDisturbed) throw new Error(`${repairs} repairs though nothing was wrong`);
    if (repairs === 0) break;
    count(model, 'repair');
    if (pass > MANY_PASSES) throw new Error('there is always more to mend');
  }
  if (!model.wasDisturbed) return;
  // A wait whose place was lost ends early.
  const { jobs } = await world.look();
  for (const message of openMessages(model)) if (isBack(message, jobs[message.id])) comeBack(message);
  model.isDisturbed = false;
}

function isBack({ place }: Message, job: Record<string, string> | undefined): boolean {
  return place === 'put-off' && job !== undefined && job['place'] === undefined;
}
