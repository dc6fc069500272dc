import fc from 'fast-check';
import { reconcile } from '../../../src/shared/lanes/repair/reconcile.ts';
import { checked, command, commandAbout, type LaneCommand } from './command.ts';
import { comeBack, count, endMessage, isOpen, type Message, type Model, openMessages, PAGES } from './model.ts';
import type { World } from './world.ts';

const MANY_PASSES = 10;

/** Interference by others; often it is repaired before anything else happens. */
function disturbance<T>(
  name: string,
  among: (model: Model) => readonly T[],
  act: (model: Model, world: World, about: T) => Promise<unknown>,
): fc.Arbitrary<LaneCommand> {
  return commandAbout(name, among, async (model, world, { about, n }) => {
    await checked(model, world, async () => {
      await act(model, world, about);
      model.wasDisturbed = true;
      count(model, 'disturbance');
    });
    if (n % 2 === 0) await checked(model, world, async () => await mend(model, world));
  });
}

/** `remove()` in a dashboard. BullMQ refuses it for a job with a lock. */
export const removeCommand = disturbance(
  'remove',
  ({ seen, messages, lost }) => {
    const jobs = [...messages.values()].filter(({ id }) => seen.jobs[id]?.['lane'] !== undefined && !seen.locks[id]);
    return lost === 'key' ? [] : jobs;
  },
  async (model, world, message) => {
    model.lost = 'jobs';
    model.isDisturbed ||= isOpen(message);
    await world.remove(message.id);
    endMessage(model, message, 'removed');
  },
);

/** An operator puts a job into `wait` out of its turn. */
export const promoteCommand = disturbance(
  'promote',
  ({ seen: { hidden, delayed, completed } }) => {
    const sets = { 'waiting-children': hidden, delayed: Object.keys(delayed), completed: Object.keys(completed) };
    return Object.entries(sets).flatMap(([set, ids]) => ids.map((id) => ({ set, id })));
  },
  async (model, world, { id, set }) => {
    await world.promote(id, set);
    model.strays.add(id);
  },
);

const SETS = ['turns', 'paced', 'pages', 'asleep', 'due', 'send:wait', 'send:active', 'send:delayed'];
const INDEXES = [...SETS, ...PAGES.map((page) => `heads:${page}`)];

/** Somebody deletes a key, or Redis has lost it. */
export const forgetCommand = disturbance(
  'forget',
  ({ lost, strays }) => (lost === null && strays.size === 0 ? INDEXES : []),
  async (model, world, key) => {
    await world.forget(key);
    Object.assign(model, { lost: 'key', isDisturbed: true });
  },
);

/** A job of another program. */
export const foreignCommand = fc.constant(
  command('foreign()', async (model, { redis, shard }) => {
    if (model.seen.wait.includes('foreign')) return;
    await redis.hset(`${shard.root}send:foreign`, 'name', 'x');
    await redis.multi().lpush(`${shard.root}send:wait`, 'foreign').zadd(`${shard.root}send:marker`, 0, '0').exec();
  }),
);

/** Redis forgets all scripts. */
export const scriptFlushCommand = fc.constant(
  command('scriptFlush()', async (_model, { redis }) => await redis.script('FLUSH')),
);

/** The leader's periodic repair of stalled messages. */
export const reconcileCommand = fc.constant(command('reconcile()', mend));

/** Runs passes until nothing is left to repair. Without interference, the first pass already finds nothing. */
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
  // The wait of a message that lost its place ends early.
  const { jobs, asleep } = await world.look();
  for (const message of openMessages(model)) if (isBack(message, jobs[message.id])) comeBack(message);
  // Heads of pages that an operator holds are checked when the hold has ended.
  model.isDisturbed = model.lost !== null && asleep.length > 0;
}

function isBack({ place }: Message, job: Record<string, string> | undefined): boolean {
  return place === 'put-off' && job !== undefined && job['place'] === undefined;
}
