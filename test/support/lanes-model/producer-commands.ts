import fc from 'fast-check';
import { laneOf, idempotencyName } from '../../../src/shared/keys.ts';
import { enqueue, type EnqueueResult, type MessageToEnqueue } from '../../../src/shared/lanes/enqueue.ts';
import { checked, command, type LaneCommand } from './command.ts';
import { CONVERSATIONS, count, headOf, type Message, type Model, newName, PAGES, pick, type Worker } from './model.ts';
import { forgetLetter } from './holds.ts';
import { repeatWork } from './worker-steps.ts';
import type { World } from './world.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

export interface Order {
  id: string;
  page: string;
  conversation: string;
  ttlMs: number;
  maxQueued: number;
  key?: { key: string; requestHash: string } | undefined;
  replayOf?: string | undefined;
  due?: { delayMs: number } | { atInMs: number } | undefined;
  isHigh?: boolean;
}

export async function callEnqueue({ shard }: Pick<World, 'shard'>, order: Order, now: number): Promise<EnqueueResult> {
  const { id, page, conversation, ttlMs, maxQueued, key, replayOf, due, isHigh } = order;
  const message: MessageToEnqueue = {
    id,
    payload: {
      v: 1,
      request: { pageId: page, conversationId: conversation, message: { type: 'text', text: 'hello' } },
      ...(replayOf === undefined ? {} : { replayOf }),
    },
    ttlMs,
    maxQueued,
    idempotency: key,
    due: due && ('delayMs' in due ? due : { atMs: now + due.atInMs }),
    priority: isHigh ? 'high' : undefined,
  };
  return await enqueue(shard, message);
}

function expectedAnswer(model: Model, { page, key, maxQueued, replayOf }: Order): EnqueueResult {
  const { seen } = model;
  const known = key && model.keys.get(idempotencyName(page, key.key));
  if (known) {
    const [firstId = '', hash] = known.value.split(' ');
    return { verdict: hash === key.requestHash ? 'duplicate' : 'conflict', firstId };
  }
  const open = seen.waitingChildren.length + seen.wait.length + seen.active.length + Object.keys(seen.delayed).length;
  if (open + 1 > maxQueued) return { verdict: 'full' };
  return { verdict: replayOf === undefined || model.letters.has(replayOf) ? 'stored' : 'gone' };
}

/** What follows from an answer. Returns the page that may have got work. */
function applyEnqueue(model: Model, order: Order, { verdict }: EnqueueResult): void {
  count(model, verdict);
  if (verdict !== 'stored') return;
  const { id, page, conversation, ttlMs, key, replayOf, due } = order;
  const replayed = replayOf === undefined ? undefined : model.messages.get(replayOf);
  const waitMs = Math.max(0, due && 'delayMs' in due ? due.delayMs : (due?.atInMs ?? 0));
  const lane = laneOf(page, conversation);
  const message: Message = {
    id,
    page,
    conversation,
    lane,
    expiresAt: model.now + waitMs + ttlMs,
    used: 0,
    starts: 0,
    tried: 0,
    open: '',
    closed: '',
    putOff: null,
    nextAt: null,
    pageSlot: null,
    fleetSlot: null,
    dueAt: waitMs > 0 ? model.now + waitMs : null,
    end: null,
    promoted: false,
    isHigh: order.isHigh ?? replayed?.isHigh ?? false,
  };
  model.messages.set(id, message);
  const isFirst = replayed !== undefined && forgetLetter(model, replayed) !== 'none';
  if (message.dueAt === null) model.lanes.set(lane, withMessage(model, message, isFirst));
  else count(model, 'scheduled');
  if (replayOf !== undefined) model.letters.delete(replayOf);
  if (key) {
    model.keys.set(idempotencyName(page, key.key), { value: `${id} ${key.requestHash}`, until: model.now + DAY_MS });
  }
}

/** At the end of its conversation, or before all that have not been released. */
function withMessage(model: Model, message: Message, isFirst: boolean): Message[] {
  const others = model.lanes.get(message.lane) ?? [];
  if (!isFirst) return [...others, message];
  count(model, others.length > 0 ? 'replay before others' : 'replay to the front');
  const { window, failing } = model.seen;
  const head = headOf(model.seen, message.lane) ?? '';
  const isReleased = [window, failing].some((place) => place[message.page]?.[head] !== undefined);
  // One that was removed, and that nobody has noticed, has its place in Redis all the same.
  const before = others.filter(({ id }) => isReleased && id === head);
  return [...before, message, ...others.filter((other) => !before.includes(other))];
}

/** Stores a message, and says whether the answer and what followed was right. */
export async function store(model: Model, world: World, order: Order): Promise<string[]> {
  const expected = expectedAnswer(model, order);
  const answer = await callEnqueue(world, order, model.now);
  if (JSON.stringify(answer) !== JSON.stringify(expected)) {
    throw new Error(`enqueue answers ${JSON.stringify(answer)}, not ${JSON.stringify(expected)}`);
  }
  applyEnqueue(model, order, answer);
  const lane = model.lanes.get(laneOf(order.page, order.conversation)) ?? [];
  const isHead = lane.length === 1 && lane[0]?.id === order.id;
  return isHead ? [order.page] : [];
}

// Most messages go to one page, so that it is full, and some conversations have many.
const place = {
  page: fc.constantFrom('p0', ...PAGES),
  conversation: fc.constantFrom('c0', 'c0', 'c1', ...CONVERSATIONS),
};
const ttlMs = fc.constantFrom(90_000_000, 90_000_000, 90_000_000, 3_600_000, 20_000, 1);
const isHigh = fc.constantFrom(false, false, false, true);
const due = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.record({ delayMs: fc.constantFrom(0, 1000, 30_000, 3_600_000) }) },
  { weight: 1, arbitrary: fc.record({ atInMs: fc.constantFrom(-1000, 1, 1000, 30_000) }) },
);
const number = fc.nat(30);

/** One message after another, to several conversations of a page. */
export const burstCommand = fc
  .record({ ...place, ttlMs, isHigh, length: fc.integer({ min: 2, max: 6 }) })
  .map(({ page, conversation: first, length, ...same }): LaneCommand =>
    command({
      name: `burst(${page}, ${first}, ${length}, ${JSON.stringify(same)})`,
      act: async (model, world) => {
        for (let n = 0; n < length; n += 1) {
          const conversation = pick(CONVERSATIONS, CONVERSATIONS.indexOf(first) + n) ?? first;
          const order = { id: newName(model, 'm'), page, conversation, maxQueued: 1_000_000, ...same };
          await checked(model, world, async () => await store(model, world, order));
        }
      },
    }),
  );

/** A new message, mostly without a key and with room for it. */
export const enqueueCommand = fc
  .record({
    ...place,
    ttlMs,
    isHigh,
    due,
    maxQueued: fc.oneof(
      { weight: 9, arbitrary: fc.constant(1_000_000) },
      { weight: 1, arbitrary: fc.constantFrom(2, 5) },
    ),
    key: fc.option(fc.record({ key: fc.constantFrom('k0', 'k1'), requestHash: fc.constantFrom('h0', 'h1') }), {
      nil: undefined,
      freq: 4,
    }),
  })
  .map((order): LaneCommand =>
    command({
      name: `enqueue(${JSON.stringify(order)})`,
      act: async (model, world) => await store(model, world, { id: newName(model, 'm'), ...order }),
    }),
  );

/** The same add once more, as after a lost reply: of a message that BullMQ or the dead letters still know. */
export const enqueueAgainCommand = number.map((n): LaneCommand => {
  const find = (model: Model): Message | undefined =>
    pick(
      [...model.messages.values()].filter(({ id }) => id in model.seen.jobs || model.letters.has(id)),
      n,
    );
  return command({
    name: `enqueueAgain(${n})`,
    may: (model) => find(model) !== undefined,
    act: async (model, world) => {
      const message = find(model);
      if (!message) return;
      const { verdict } = await callEnqueue(world, { ...message, ttlMs: 1000, maxQueued: 1_000_000 }, model.now);
      count(model, `again: ${verdict}`);
      if (verdict !== 'stored') throw new Error(`the repeated add answers ${verdict}`);
    },
  });
});

/** Replays a dead letter twice at once: one of the two finds it gone. A worker that wrote it may write it again then. */
export const replayCommand = fc.tuple(number, fc.boolean()).map(([n, isFull]): LaneCommand => {
  const find = (model: Model): Message | undefined => {
    const dead = [...model.messages.values()].filter(({ end }) => end === 'dead');
    const holding = dead.filter(({ id, lane }) => model.holds.get(lane)?.letter === id && model.lanes.has(lane));
    if (n % 2 === 0 && holding.length > 0) return pick(holding, n);
    const withWorkers = dead.filter((message) => workersWith(model, message).length > 0);
    return pick(withWorkers.length > 0 ? withWorkers : dead, n);
  };
  return command({
    name: `replay(${n}${isFull ? ', full' : ''})`,
    may: (model) => find(model) !== undefined,
    act: async (model, world) => {
      const message = find(model);
      if (!message) return;
      const order = {
        page: message.page,
        conversation: message.conversation,
        ttlMs: 3_600_000,
        maxQueued: isFull ? 0 : 1_000_000,
        replayOf: message.id,
      };
      await checked(model, world, async () => await storeTwice(model, world, order));
      for (const worker of workersWith(model, message)) {
        const { work } = worker;
        if (work) await checked(model, world, async () => await repeatWork(model, world, worker, work));
      }
    },
  });
});

export function workersWith({ workers }: Model, message: Message): Worker[] {
  return workers.filter(({ work }) => work?.message === message && work.settlement);
}

async function storeTwice(model: Model, world: World, order: Omit<Order, 'id'>): Promise<string[]> {
  const orders: Order[] = [
    { id: newName(model, 'm'), ...order },
    { id: newName(model, 'm'), ...order },
  ];
  const first = expectedAnswer(model, { id: '', ...order });
  const expected = [first, first.verdict === 'stored' ? { verdict: 'gone' } : first];
  const answers = await Promise.all(orders.map((each) => callEnqueue(world, each, model.now)));
  if (JSON.stringify(answers) !== JSON.stringify(expected)) {
    throw new Error(`the replays answer ${JSON.stringify(answers)}`);
  }
  for (const [at, each] of orders.entries()) applyEnqueue(model, each, answers[at] ?? first);
  const isHead = model.lanes.get(laneOf(order.page, order.conversation))?.[0]?.id === orders[0]?.id;
  return first.verdict === 'stored' && isHead ? [order.page] : [];
}
