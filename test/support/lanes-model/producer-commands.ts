import fc from 'fast-check';
import { cancelStored } from '../../../src/shared/lanes/messages/cancel.ts';
import { enqueue, type EnqueueResult } from '../../../src/shared/lanes/messages/enqueue.ts';
import { idempotencyName, laneOf } from '../../../src/shared/lanes/key-names.ts';
import { command, commandAbout, type LaneCommand } from './command.ts';
import { forgetLetter } from './letter-commands.ts';
import {
  CONVERSATIONS,
  count,
  endMessage,
  headOf,
  isOpen,
  joinLane,
  type Message,
  type Model,
  newId,
  openMessages,
  PAGES,
} from './model.ts';
import { allOrNothing, type World } from './world.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const MANY = 1_000_000;

interface Order {
  id: string;
  page: string;
  conversation: string;
  ttlMs: number;
  maxQueued?: number;
  key?: { key: string; requestHash: string } | undefined;
  replayOf?: string | undefined;
  due?: { delayMs: number } | { atInMs: number } | undefined;
  isHigh?: boolean;
}

async function callEnqueue({ shard }: World, order: Order, now: number): Promise<EnqueueResult> {
  const { id, page, conversation, ttlMs, maxQueued = MANY, key, replayOf, due, isHigh } = order;
  const request = { pageId: page, conversationId: conversation, message: { type: 'text' as const, text: 'hello' } };
  return await enqueue(shard, {
    id,
    payload: { request, ...(replayOf === undefined ? {} : { replayOf }) },
    ttlMs,
    maxQueued,
    // Only Redis itself refuses.
    redisFullAt: 1e9,
    idempotency: key,
    due: due && ('delayMs' in due ? due : { atMs: now + due.atInMs }),
    priority: isHigh ? 'high' : undefined,
  });
}

function expectedAnswer(model: Model, open: number, { page, key, maxQueued = MANY, replayOf }: Order): EnqueueResult {
  const known = key && model.keys.get(idempotencyName(page, key.key));
  if (known) {
    const [firstId = '', hash] = known.value.split(' ');
    return { verdict: hash === key.requestHash ? 'duplicate' : 'conflict', firstId };
  }
  if (open >= maxQueued) return { verdict: 'full' };
  return { verdict: replayOf === undefined || model.letters.has(replayOf) ? 'stored' : 'gone' };
}

function applyEnqueue(model: Model, order: Order, { verdict }: EnqueueResult): void {
  count(model, verdict);
  if (verdict !== 'stored') return;
  const { id, page, conversation, ttlMs, key, replayOf, due } = order;
  const replayed = replayOf === undefined ? undefined : model.messages.get(replayOf);
  const waitMs = Math.max(0, due && 'delayMs' in due ? due.delayMs : (due?.atInMs ?? 0));
  const message: Message = {
    id,
    page,
    conversation,
    lane: laneOf(page, conversation),
    expiresAt: model.now + waitMs + ttlMs,
    dueAt: waitMs > 0 ? model.now + waitMs : null,
    isHigh: order.isHigh ?? replayed?.isHigh ?? false,
    place: waitMs > 0 ? 'scheduled' : 'waiting',
    why: null,
    nextAt: null,
    attempt: '',
    used: 0,
    tried: 0,
    crashes: 0,
  };
  model.messages.set(id, message);
  const isFirst = replayed !== undefined && forgetLetter(model, replayed) !== 'none';
  if (waitMs > 0) count(model, 'scheduled');
  else if (isFirst) joinFront(model, message);
  else joinLane(model, message);
  if (replayed) model.letters.delete(replayed.id);
  if (key) {
    model.keys.set(idempotencyName(page, key.key), { value: `${id} ${key.requestHash}`, until: model.now + DAY_MS });
  }
}

/** Puts the message before all that have not been released. */
function joinFront(model: Model, message: Message): void {
  const others = model.lanes.get(message.lane) ?? [];
  count(model, others.length > 0 ? 'replay before others' : 'replay to the front');
  const head = headOf(model.seen, message.lane);
  const before = others.filter(({ id }) => id === head && model.seen.jobs[id]?.['place'] !== undefined);
  model.lanes.set(message.lane, [...before, message, ...others.filter((other) => !before.includes(other))]);
}

/** Stores messages in one call, and checks the answers. */
export async function store(model: Model, world: World, orders: readonly Order[]): Promise<void> {
  const { hidden, wait, active, delayed } = model.seen;
  let open = hidden.length + wait.length + active.length + Object.keys(delayed).length;
  const answers = await Promise.all(orders.map((order) => callEnqueue(world, order, model.now)));
  for (const [n, order] of orders.entries()) {
    const [answer, expected] = [answers[n], expectedAnswer(model, open, order)];
    if (expected.verdict === 'stored') open += 1;
    if (JSON.stringify(answer) !== JSON.stringify(expected)) {
      throw new Error(`enqueue answers ${JSON.stringify(answer)}, not ${JSON.stringify(expected)}`);
    }
    applyEnqueue(model, order, expected);
  }
}

const newOrder = (model: Model, order: Omit<Order, 'id'>): Order => ({ id: newId(model), ...order });

// Most messages go to one page, so that its window is full and some conversations have many.
const anyOrder = fc.record({
  page: fc.constantFrom('p0', 'p0', ...PAGES),
  conversation: fc.constantFrom('c0', 'c0', 'c1', ...CONVERSATIONS),
  ttlMs: fc.constantFrom(90_000_000, 90_000_000, 90_000_000, 3_600_000, 20_000, 1),
  isHigh: fc.constantFrom(false, false, false, true),
  due: fc.oneof(
    { weight: 6, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.record({ delayMs: fc.constantFrom(0, 1000, 30_000, 3_600_000) }) },
    { weight: 1, arbitrary: fc.record({ atInMs: fc.constantFrom(-1000, 1, 1000, 30_000) }) },
  ),
  maxQueued: fc.oneof({ weight: 9, arbitrary: fc.constant(MANY) }, { weight: 1, arbitrary: fc.constantFrom(2, 5) }),
  key: fc.option(fc.record({ key: fc.constantFrom('k0', 'k1'), requestHash: fc.constantFrom('h0', 'h1') }), {
    nil: undefined,
    freq: 4,
  }),
});

/** Messages that are stored at the same moment: one call stores them all. */
export const enqueueCommand = fc.array(anyOrder, { minLength: 1, maxLength: 6 }).map((orders): LaneCommand => {
  const name = `enqueue(${orders.map((order) => JSON.stringify(order)).join(', ')})`;
  return command(name, async (model, world) => {
    const all = orders.map((order) => newOrder(model, order));
    await store(model, world, all);
  });
});

const plain = { page: 'p0', conversation: 'c0', ttlMs: 3_600_000 };

export const enqueueWithoutMemoryCommand = fc.constant(
  command('enqueueWithoutMemory()', async (model, world) => {
    const stored = await allOrNothing(world, () => callEnqueue(world, newOrder(model, plain), model.now));
    if (stored !== undefined) throw new Error('there was memory');
  }),
);

/** Repeats an add, as after a lost reply, for a message that BullMQ or the dead letters still know. */
export const enqueueAgainCommand = commandAbout(
  'enqueueAgain',
  ({ messages, letters }) => [...messages.values()].filter(({ id, place }) => place !== 'gone' || letters.has(id)),
  async (model, world, { about: { id, page, conversation } }) => {
    const { verdict } = await callEnqueue(world, { id, page, conversation, ttlMs: 1000 }, model.now);
    if (verdict !== 'stored') throw new Error(`the repeated add answers ${verdict}`);
  },
);

/** Replays a dead letter twice at once, so that one replay finds it gone. Mostly a letter that holds its conversation. */
export const replayCommand = commandAbout(
  'replay',
  ({ messages, holds, lanes }) => {
    const dead = [...messages.values()].filter(({ why }) => why === 'dead');
    const holding = dead.filter(({ id, lane }) => holds.get(lane)?.letter === id && lanes.has(lane));
    return [...holding, ...holding, ...dead];
  },
  async (model, world, { about: { id: replayOf, page, conversation }, n }) => {
    const order = { page, conversation, ttlMs: 3_600_000, replayOf, ...(n % 5 === 0 ? { maxQueued: 0 } : {}) };
    await store(model, world, [newOrder(model, order), newOrder(model, order)]);
  },
);

/** A user cancels a message in any state, and repeats that. Mostly a message that is open. */
export const cancelCommand = commandAbout(
  'cancel',
  (model) => [...openMessages(model), ...openMessages(model), ...model.messages.values()],
  async (model, world, { about: message }) => {
    const { id, place, why } = message;
    const isKnown = place !== 'gone' || model.letters.has(id);
    const isCancelled = why === 'cancelled' && place === 'ended';
    const mayCancel = isCancelled || (isOpen(message) && place !== 'sending');
    const refusal = isKnown ? 'too-late' : 'not-found';
    const expected = mayCancel ? 'cancelled' : refusal;
    const answers = [await cancelStored(world.shard, id), await cancelStored(world.shard, id)];
    if (answers.some((answer) => answer !== expected)) throw new Error(`cancelling ${id} answers ${answers.join()}`);
    count(model, expected);
    if (mayCancel) endMessage(model, message, 'cancelled');
  },
);
