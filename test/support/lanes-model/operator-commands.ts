import fc from 'fast-check';
import { reconcile } from '../../../src/shared/lanes/reconcile.ts';
import { registerWorker, WORKER_MEMORY_MS } from '../../../src/shared/lanes/register.ts';
import { checked, command, type LaneCommand } from './command.ts';
import { disturb } from './disturbed.ts';
import { fleetRulesOf, forgetPace, type Pace, type Rules } from './pace.ts';
import { count, endMessage, endWait, hasEnded, type Message, type Model, openMessages, PAGES, pick } from './model.ts';
import type { World } from './world.ts';

const number = fc.nat(30);
const limits = {
  pageLimit: fc.option<Pace>(
    fc.record({ intervalMs: fc.constantFrom(1000, 400, 30_000), burst: fc.constantFrom(1, 2) }),
    { freq: 3 },
  ),
  intervalMs: fc.constantFrom(0, 0, 500),
};

/** What counts when a run begins. */
export const firstRules: fc.Arbitrary<Rules> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({
      window: fc.constantFrom(2, 1, 5),
      pageLimit: fc.constant(null),
      intervalMs: fc.constant(0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ ...limits, window: fc.constantFrom(3, 2, 1) }) },
);

/** Time passes: delays end, messages and keys become too old, workers fall silent. */
export const clockCommand = fc
  .constantFrom(1000, 1000, 30_000, 30_000, 3_600_000, 86_400_000)
  .map((ms): LaneCommand =>
    command({ name: `clock(+${ms})`, act: async (model, world) => await forward(model, world, ms) }),
  );

export async function forward(model: Model, world: World, ms: number): Promise<void> {
  model.now += ms;
  await world.setClock(model.now);
  const delayed = Object.entries(model.seen.delayed).toSorted(([, one], [, other]) => one - other);
  for (const [id, until] of delayed) if (until <= model.now) await world.comeBack(id);
  for (const [name, { until }] of model.keys) {
    if (until > model.now) continue;
    // Redis's own clock would have done it.
    model.keys.delete(name);
    await world.forgetKey(name);
  }
}

/** A worker process tells of itself, or leaves; with it comes the operator's fixed window. A repair may follow. */
export const registerCommand = fc
  .record({
    name: fc.constantFrom('w0', 'w1'),
    concurrency: fc.constantFrom(0, 1, 2, 8),
    rules: fc.record({ ...limits, window: fc.constantFrom(1, 2, 3, 0) }),
    isMended: fc.boolean(),
  })
  .map(({ name, concurrency, rules, isMended }): LaneCommand =>
    command({
      name: `register(${name}, ${concurrency}, ${JSON.stringify(rules)}${isMended ? ', mended' : ''})`,
      act: async (model, world) => {
        await checked(model, world, async () => {
          await register(model, world, { name, concurrency }, rules);
        });
        return isMended ? await mend(model, world) : undefined;
      },
    }),
  );

async function register(
  model: Model,
  world: World,
  { name, concurrency }: { name: string; concurrency: number },
  rules: Rules,
): Promise<void> {
  const record = { version: '1', since: '', concurrency, sending: 0 };
  await registerWorker(world.shard, name, concurrency === 0 ? null : record, fleetRulesOf(rules));
  if (concurrency === 0) model.registered.delete(name);
  else model.registered.set(name, { concurrency, seenAt: model.now });
  let sum = 0;
  for (const [other, { concurrency: share, seenAt }] of model.registered) {
    if (model.now - seenAt > WORKER_MEMORY_MS) model.registered.delete(other);
    else sum += share;
  }
  const { pageLimit, intervalMs } = model.fleet;
  model.fleet = { ...rules, concurrency: sum || model.fleet.concurrency };
  if (JSON.stringify([pageLimit, intervalMs]) === JSON.stringify([rules.pageLimit, rules.intervalMs])) return;
  const { delayed } = await world.look();
  for (const message of openMessages(model).filter(({ putOff }) => putOff === 'slot')) {
    if (message.id in delayed) throw new Error(`${message.id} waits for a slot of a limit that is gone`);
    endWait(message);
  }
  forgetPace(model);
  count(model, 'limits');
}

/** No limit counts any more. */
export async function lift(model: Model, world: World): Promise<void> {
  await register(model, world, { name: 'w0', concurrency: 0 }, { ...model.fleet, pageLimit: null, intervalMs: 0 });
}

/** Redis forgets all scripts. */
export const scriptFlushCommand = fc.constant(
  command({
    name: 'scriptFlush()',
    act: async (_model, { redis }) => void (await redis.script('FLUSH')),
  }),
);

/** `remove()` in some dashboard. BullMQ refuses it for a job with a lock. */
export const removeCommand = number.map((n): LaneCommand => {
  const find = (model: Model): Message | undefined =>
    pick(
      [...model.messages.values()].filter(({ id }) => model.seen.jobs[id] && !model.locks.has(id)),
      n,
    );
  return command({
    name: `remove(${n})`,
    may: (model) => find(model) !== undefined,
    act: async (model, world) => {
      const message = find(model);
      if (!message) return;
      await world.remove(message.id);
      if (hasEnded(message)) return;
      endMessage(model, message, 'removed');
      disturb(model, message);
    },
  });
});

/** An operator puts a job into `wait` out of its turn. */
export const promoteCommand = number.map((n): LaneCommand => {
  const waits = ({ seen }: Model) => [
    ...seen.waitingChildren,
    ...Object.keys(seen.delayed),
    ...seen.failed,
    ...seen.completed,
  ];
  return command({
    name: `promote(${n})`,
    may: (model) => waits(model).length > 0,
    act: async (model, world) => {
      const id = pick(waits(model), n) ?? '';
      const message = model.messages.get(id);
      if (!message) return;
      if (id in model.seen.delayed) await world.comeBack(id);
      else if (model.seen.failed.includes(id)) await world.requeue(id, 'failed');
      else if (model.seen.completed.includes(id)) await world.requeue(id, 'completed');
      else {
        await world.requeue(id, 'waiting-children');
        message.promoted = true;
        disturb(model, message);
      }
    },
  });
});

/** Redis was killed, came back without a settlement, and was sent BullMQ's last word on the message again. */
export const forgottenEndCommand = number.map((n): LaneCommand => {
  const find = ({ workers, locks }: Model) =>
    pick(
      workers.filter(({ token, work }) => work && work.message.open !== '' && locks.get(work.message.id) === token),
      n,
    );
  return command({
    name: `forgottenEnd(${n})`,
    may: (model) => find(model) !== undefined,
    act: async (model, world) => {
      const worker = find(model);
      if (!worker?.work) return [];
      const { message } = worker.work;
      await world.complete(message.id, model.now);
      model.locks.delete(message.id);
      worker.work = null;
      endMessage(model, message, 'delivered');
      message.open = '';
      disturb(model, message);
      return await mend(model, world);
    },
  });
});

/** What a worker does at intervals: it mends lanes that stand still. */
export const reconcileCommand = fc.constant(
  command({ name: 'reconcile()', act: async (model, world) => await mend(model, world) }),
);

/** One pass over everything. Where no operator has been, it has nothing to mend. */
export async function mend(model: Model, world: World): Promise<string[]> {
  const { cursor, repairs } = await reconcile(world.shard, '0');
  if (cursor !== '0') throw new Error(`one pass stops at ${cursor}`);
  if (repairs > 0 && !model.everDisturbed) {
    throw new Error(`${repairs} repairs though nothing was wrong: ${JSON.stringify((await world.look()).repairs)}`);
  }
  if (repairs > 0) count(model, 'repair');
  const { ready, high } = await world.look();
  // What is ready is left to its turn; until then a conversation may be in two places.
  const unnoticed = new Set(openMessages(model).flatMap(({ lane, promoted }) => (promoted ? [lane] : [])));
  for (const lane of model.disturbed) {
    const page = lane.split('/')[0] ?? '';
    if (!ready[page] && !high[page] && !unnoticed.has(lane)) model.disturbed.delete(lane);
  }
  return PAGES;
}
