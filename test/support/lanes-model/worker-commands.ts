import fc from 'fast-check';
import type { FleetWord } from '../../../src/shared/lanes/claim.ts';
import { settle } from '../../../src/shared/lanes/settle.ts';
import { checked, command, type LaneCommand } from './command.ts';
import { count, type Model, newName, openMessages, pick, type Work, type Worker, WORKERS } from './model.ts';
import {
  claimWork,
  DELIVERED,
  finishWork,
  type Outcome,
  plainSettlement,
  repeatWork,
  settleWork,
  take,
} from './worker-steps.ts';
import type { World } from './world.ts';

const anyWorker = fc.nat(WORKERS - 1);
const free = { verdict: 'go' } as const;
const wordDelayMs = fc.constantFrom(200, 1000, 30_000);
export const anyWord: fc.Arbitrary<FleetWord> = fc.oneof(
  { weight: 8, arbitrary: fc.constant(free) },
  { weight: 2, arbitrary: fc.constantFrom({ verdict: 'ask' } as const, { verdict: 'probe' } as const) },
  { weight: 2, arbitrary: fc.record({ verdict: fc.constantFrom('slot', 'hold'), delayMs: wordDelayMs }) },
);
const anyOutcome: fc.Arbitrary<Outcome> = fc.record({
  kind: fc.constantFrom('delivered', 'backoff', 'hold', 'dead', 'delivered', 'backoff'),
  delayMs: fc.constantFrom(0, 1000, 30_000),
  usedAttempt: fc.boolean(),
  holdsPage: fc.boolean(),
  word: anyWord,
  isRepeated: fc.constantFrom(false, false, false, true),
});

function workerOf(model: Model, n: number): Worker {
  const found = model.workers[n];
  if (!found) throw new Error('there is no such worker');
  return found;
}

/** One of the workers that have a job. */
function busyWorker({ workers }: Model, n: number): Worker | undefined {
  return pick(
    workers.filter(({ work }) => work !== null),
    n,
  );
}

const isBusy = (n: number) => (model: Model) => busyWorker(model, n) !== undefined;
const canStep = (n: number) => (model: Model) => workerOf(model, n).work !== null || model.seen.wait.length > 0;

/** The next step of a worker: take, claim, settle, finish. */
async function step(model: Model, world: World, worker: Worker, what: Outcome): Promise<void> {
  const { work } = worker;
  await stepOnce(model, world, worker, what);
  if (what.isRepeated && work && worker.work === work) {
    await checked(model, world, async () => await repeatWork(model, world, worker, work));
  }
}

async function stepOnce(model: Model, world: World, worker: Worker, what: Outcome): Promise<void> {
  const { work } = worker;
  await checked(model, world, async () => {
    if (!work) return await take(model, world, worker);
    if (!work.claim || work.claim.verdict === 'ask') {
      work.word = wordFor(model, work, what.word);
      return await claimWork(model, world, worker, work);
    }
    if ('claimed' in work.claim && !work.result) return await settleWork(model, world, worker, { work, outcome: what });
    return await finishWork(model, world, worker, work);
  });
}

/** While the fleet has a limit a worker asks; then it knows what it may do. */
export function wordFor({ fleet }: Model, { claim, message }: Work, word: FleetWord): FleetWord {
  const isLimited = fleet.intervalMs > 0;
  if (claim === null) {
    return word.verdict === 'go' && (isLimited || message.fleetSlot !== null) ? { verdict: 'ask' } : word;
  }
  if (word.verdict === 'ask' && isLimited) return { verdict: 'slot', delayMs: 1000 };
  return word.verdict === 'ask' || word.verdict === 'probe' ? free : word;
}

/** A message's whole way through a worker, from wherever it stands. */
export async function processMessage(model: Model, world: World, worker: Worker, what: Outcome): Promise<void> {
  do await step(model, world, worker, what);
  while (worker.work);
}

export const stepCommand = fc.tuple(anyWorker, anyOutcome).map(([n, what]): LaneCommand =>
  command({
    name: `step(${n}, ${JSON.stringify(what)})`,
    may: canStep(n),
    act: async (model, world) => await step(model, world, workerOf(model, n), what),
  }),
);

export const processCommand = fc.tuple(anyWorker, anyOutcome).map(([n, what]): LaneCommand =>
  command({
    name: `process(${n}, ${JSON.stringify(what)})`,
    may: canStep(n),
    act: async (model, world) => await processMessage(model, world, workerOf(model, n), what),
  }),
);

/** Each worker takes something and is told to wait, the last one the shortest; for some only the message waits. */
export const allLimitedCommand = fc
  .tuple(fc.subarray([30_000, 1000, 200], { minLength: 2 }), fc.boolean())
  .map(([delaysMs, holdsPage]): LaneCommand =>
    command({
      name: `allLimited(${delaysMs.join()}${holdsPage ? ', page' : ''})`,
      may: ({ workers, seen }) => seen.wait.length > 1 && workers.every(({ work }) => work === null),
      act: async (model, world) => {
        const busy = model.workers.slice(0, delaysMs.length);
        for (const worker of busy) {
          await step(model, world, worker, DELIVERED);
          if (worker.work) await step(model, world, worker, DELIVERED);
        }
        count(model, 'all limited');
        for (const [n, worker] of busy.entries()) {
          const outcome: Outcome = { ...DELIVERED, kind: 'hold', delayMs: delaysMs[n] ?? 0, holdsPage };
          if (worker.work) await processMessage(model, world, worker, outcome);
        }
      },
    }),
  );

/** The same becomes of all that is released, as when the API is down. */
export const processAllCommand = fc.tuple(anyWorker, anyOutcome).map(([n, what]): LaneCommand =>
  command({
    name: `processAll(${n}, ${JSON.stringify(what)})`,
    may: canStep(n),
    act: async (model, world) => {
      for (let taken = 0; taken < 8 && canStep(n)(model); taken += 1) {
        await processMessage(model, world, workerOf(model, n), what);
      }
    },
  }),
);

/** The reply was lost with the connection: the client asks again. */
export const repeatCommand = anyWorker.map((n): LaneCommand =>
  command({
    name: `repeat(${n})`,
    may: (model) => Boolean(busyWorker(model, n)?.work?.claim),
    act: async (model, world) => {
      const repeating = busyWorker(model, n);
      return repeating?.work ? await repeatWork(model, world, repeating, repeating.work) : undefined;
    },
  }),
);

/** The process dies, at whatever step. Its lock ends; the stalled check may come at once, or later. */
export const crashCommand = fc.tuple(anyWorker, fc.boolean()).map(([n, isNoticed]): LaneCommand =>
  command({
    name: `crash(${n}${isNoticed ? ', noticed' : ''})`,
    may: isBusy(n),
    act: async (model, world) => {
      const dying = busyWorker(model, n);
      if (dying) await crash(model, world, dying);
      if (isNoticed) await stallAll(model, world);
    },
  }),
);

export async function crash(model: Model, world: World, worker: Worker): Promise<void> {
  await loseLock(model, world, worker);
  worker.work = null;
  worker.token = newName(model, 'worker-');
}

/** The process stands still for longer than its lock and goes on later, as if nothing had been. */
export const freezeCommand = fc
  .tuple(anyWorker, fc.boolean(), fc.option(anyOutcome, { freq: 4 }))
  .map(([n, isNoticed, goesOn]): LaneCommand =>
    command({
      name: `freeze(${n}${isNoticed ? ', noticed' : ''}${goesOn ? `, ${JSON.stringify(goesOn)}` : ''})`,
      may: isBusy(n),
      act: async (model, world) => {
        const sending = model.workers.filter(({ work }) => work?.claim?.verdict === 'go' && !work.result);
        const frozen = pick(sending, n) ?? busyWorker(model, n);
        if (!frozen) return;
        await checked(model, world, async () => {
          await loseLock(model, world, frozen);
          if (isNoticed) await stallAll(model, world);
        });
        if (goesOn) await processMessage(model, world, frozen, goesOn);
      },
    }),
  );

async function loseLock(model: Model, world: World, { token, work }: Worker): Promise<void> {
  if (!work || model.locks.get(work.message.id) !== token) return;
  model.locks.delete(work.message.id);
  await world.endLock(work.message.id);
}

/** BullMQ's check: every job without a lock goes to the front of `wait`. */
export async function stallAll(model: Model, world: World): Promise<void> {
  for (const id of model.seen.active) if (!model.locks.has(id)) await world.stall(id);
}

export const stalledCheckCommand = fc.constant(
  command({
    name: 'stalledCheck()',
    may: ({ seen, locks }) => seen.active.some((id) => !locks.has(id)),
    act: stallAll,
  }),
);

/** A message that kills its workers: each one dies in mid-send, the next one puts it off, and so on. */
export const killerCommand = fc.tuple(anyWorker, fc.integer({ min: 1, max: 6 })).map(([n, deaths]): LaneCommand =>
  command({
    name: `killer(${n}, ${deaths})`,
    may: (model) => workerOf(model, n).work === null && model.seen.wait.length > 0,
    act: async (model, world) => {
      const victim = model.seen.wait[0];
      const killed = workerOf(model, n);
      for (let takes = 0, died = 0; died < deaths && takes < 30; takes += 1) {
        await step(model, world, killed, DELIVERED);
        if (!killed.work) return;
        const isVictim = killed.work.message.id === victim;
        await step(model, world, killed, DELIVERED);
        if (isVictim && killed.work.claim?.verdict === 'go') {
          died += 1;
          await checked(model, world, async () => {
            await crash(model, world, killed);
            await stallAll(model, world);
          });
        } else {
          await processMessage(model, world, killed, DELIVERED);
          const isBack = victim !== undefined && victim in model.seen.delayed;
          if (isBack) await checked(model, world, async () => await world.comeBack(victim));
        }
      }
    },
  }),
);

/** Somebody settles without the lock, or for an attempt that isn't open: nothing may change. */
export const impostorCommand = fc
  .tuple(fc.nat(30), fc.boolean(), anyOutcome)
  .map(([n, hasLock, { kind, delayMs }]): LaneCommand => {
    const find = (model: Model) =>
      pick(
        openMessages(model).filter(({ id }) => !hasLock || model.locks.has(id)),
        n,
      );
    return command({
      name: `impostor(${n}, ${hasLock ? 'with' : 'without'} the lock, ${kind})`,
      may: (model) => find(model) !== undefined,
      act: async (model, world) => {
        const message = find(model);
        if (!message) return;
        const token = hasLock ? (model.locks.get(message.id) ?? '') : 'impostor';
        const openAttempt = hasLock ? 'another' : message.open;
        const attempt = { id: message.id, token, openAttempt, record: null, survived: true };
        const { verdict } = await settle(world.shard, attempt, plainSettlement(kind, delayMs));
        if (verdict !== 'lost') throw new Error(`an impostor settles ${message.id}: ${verdict}`);
      },
    });
  });
