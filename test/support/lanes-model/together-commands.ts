import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { type Claim, claim } from '../../../src/shared/lanes/claim.ts';
import { settle } from '../../../src/shared/lanes/settle.ts';
import { checked, command, type LaneCommand } from './command.ts';
import { CONVERSATIONS, count, type Model, newName, PAGES, type Work, type Worker, WORKERS } from './model.ts';
import { callEnqueue, type Order, store } from './producer-commands.ts';
import { anyWord, wordFor } from './worker-commands.ts';
import {
  attemptToSettle,
  claimWork,
  DELIVERED,
  decide,
  finishWork,
  type Outcome,
  repeatWork,
  settleWork,
  take,
} from './worker-steps.ts';
import type { World } from './world.ts';

/** A worker with a job, and what becomes of it. */
interface Busy {
  worker: Worker;
  work: Work;
  outcome: Outcome;
}

/** Mostly such that many get as far as to be settled. */
const anyOutcomeTogether: fc.Arbitrary<Outcome> = fc.record({
  kind: fc.constantFrom('delivered', 'delivered', 'backoff', 'hold'),
  delayMs: fc.constantFrom(0, 1000, 30_000),
  usedAttempt: fc.boolean(),
  holdsPage: fc.boolean(),
  word: fc.oneof({ weight: 2, arbitrary: fc.constant(DELIVERED.word) }, { weight: 1, arbitrary: anyWord }),
  isRepeated: fc.constantFrom(false, false, false, true),
});

type NewMessage = Pick<Order, 'page' | 'conversation' | 'ttlMs' | 'isHigh'>;
const anyOrder: fc.Arbitrary<NewMessage> = fc.record({
  page: fc.constantFrom(...PAGES),
  conversation: fc.constantFrom(...CONVERSATIONS),
  ttlMs: fc.constant(3_600_000),
  isHigh: fc.constantFrom(false, false, false, true),
});

/**
 * Several messages are stored at the same moment, then several workers claim, and perhaps settle: each time one script serves
 * them all. What comes of it on a copy of Redis must be what comes of it when one asks after the other, which is checked as
 * any other step is.
 */
export const togetherCommand = fc
  .record({
    most: fc.integer({ min: 2, max: WORKERS }),
    orders: fc.array(anyOrder, { maxLength: WORKERS }),
    outcomes: fc.array(anyOutcomeTogether, { minLength: WORKERS, maxLength: WORKERS }),
    until: fc.constantFrom('claimed', 'settled', 'finished'),
  })
  .map(({ most, orders, outcomes, until }): LaneCommand =>
    command({
      name: `together(${most}, ${JSON.stringify(orders)}, ${JSON.stringify(outcomes)}, ${until})`,
      act: async (model, world) => {
        await storeTogether(model, world, orders);
        await takeSome(model, world, most);
        await claimTogether(model, world, outcomes);
        if (until === 'claimed') return;
        await settleTogether(model, world, outcomes);
        if (until === 'finished') await finishAll(model, world);
      },
    }),
  );

/** Several messages at the same moment, perhaps of one conversation. */
async function storeTogether(model: Model, world: World, orders: readonly NewMessage[]): Promise<void> {
  if (orders.length === 0) return;
  const all = orders.map((order): Order => ({ id: newName(model, 'm'), maxQueued: 1_000_000, ...order }));
  await world.twin.copy();
  const together = await Promise.all(all.map((order) => callEnqueue(world.twin, order, model.now)));
  for (const order of all) await checked(model, world, async () => await store(model, world, order));
  count(model, `stored together: ${all.length}`);
  const refused = together.filter(({ verdict }) => verdict !== 'stored');
  await expectSame(world, refused, []);
}

/** Until so many workers have a job. */
async function takeSome(model: Model, world: World, most: number): Promise<void> {
  for (const worker of model.workers) {
    const busy = model.workers.filter(({ work }) => work !== null).length;
    if (busy >= most) return;
    if (worker.work === null) await checked(model, world, async () => await take(model, world, worker));
  }
}

function busyWorkers({ workers }: Model, outcomes: readonly Outcome[]): Busy[] {
  return workers.flatMap((worker, n) => {
    const outcome = outcomes[n];
    return worker.work && outcome ? [{ worker, work: worker.work, outcome }] : [];
  });
}

async function claimTogether(model: Model, world: World, outcomes: readonly Outcome[]): Promise<void> {
  const all = busyWorkers(model, outcomes).filter(({ work }) => !work.claim || work.claim.verdict === 'ask');
  for (const { work, outcome } of all) work.word = wordFor(model, work, outcome.word);
  await asTogether(model, world, {
    all,
    what: 'claimed',
    askTwin: async ({ worker: { token }, work: { message, attempt, word } }) =>
      withoutLockMs(await claim(world.twin.shard, { id: message.id, token, attempt }, word)),
    ask: async ({ worker, work }) => await claimWork(model, world, worker, work),
    answerOf: ({ work }) => work.claim && withoutLockMs(work.claim),
  });
}

/** Of the dead each has a MULTI of its own. */
async function settleTogether(model: Model, world: World, outcomes: readonly Outcome[]): Promise<void> {
  const all = busyWorkers(model, outcomes).flatMap((busy) => {
    const settlement = busy.work.result ? null : decide(model, busy.work, busy.outcome);
    return settlement && settlement.what.kind !== 'dead' ? [{ ...busy, settlement }] : [];
  });
  await asTogether(model, world, {
    all,
    what: 'settled',
    askTwin: async ({ worker, work, settlement }) =>
      await settle(world.twin.shard, attemptToSettle(model, worker, work, settlement), settlement.what),
    ask: async ({ worker, work, outcome }) => await settleWork(model, world, worker, { work, outcome }),
    answerOf: ({ work }) => work.result,
  });
}

interface Call<Asking extends Busy> {
  all: readonly Asking[];
  what: 'claimed' | 'settled';
  askTwin(busy: Asking): Promise<unknown>;
  ask(busy: Asking): Promise<string | undefined>;
  answerOf(busy: Asking): unknown;
}

async function asTogether<Asking extends Busy>(model: Model, world: World, call: Call<Asking>): Promise<void> {
  const { all, what, askTwin, ask, answerOf } = call;
  if (all.length === 0) return;
  await world.twin.copy();
  const together = await Promise.all(
    all.flatMap((busy) => [askTwin(busy), ...(busy.outcome.isRepeated ? [askTwin(busy)] : [])]),
  );
  const alone: unknown[] = [];
  for (const busy of all) {
    const { worker, work, outcome } = busy;
    await checked(model, world, async () => await ask(busy));
    alone.push(answerOf(busy));
    if (!outcome.isRepeated) continue;
    await checked(model, world, async () => await repeatWork(model, world, worker, work));
    alone.push(answerOf(busy));
  }
  count(model, `${what} together: ${all.length}`);
  await expectSame(world, together, alone);
}

/** What came of it at once, and one after the other. */
async function expectSame(world: World, together: readonly unknown[], alone: readonly unknown[]): Promise<void> {
  const problems = await world.twin.differences();
  if (!isDeepStrictEqual(together, alone)) {
    problems.push(`the answers are ${JSON.stringify(alone)}, and with all at once ${JSON.stringify(together)}`);
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

async function finishAll(model: Model, world: World): Promise<void> {
  for (const worker of model.workers) {
    const { work } = worker;
    if (!work?.claim || work.claim.verdict === 'ask' || ('claimed' in work.claim && !work.result)) continue;
    await checked(model, world, async () => await finishWork(model, world, worker, work));
  }
}

/** It runs out meanwhile. */
function withoutLockMs(answer: Claim): unknown {
  return 'claimed' in answer ? { ...answer, claimed: { ...answer.claimed, lockMs: 0 } } : answer;
}
