import fc from 'fast-check';
import type { TurnAnswer } from '../../../src/shared/lanes/messages/settle-and-take.ts';
import { checked, command, commandAbout, type LaneCommand } from './command.ts';
import {
  bringBackDue,
  comeBack,
  count,
  graceMs,
  LOCK_MS,
  type Message,
  type Model,
  openMessages,
  pick,
  type Worker,
} from './model.ts';
import { isHeld } from './hold-invariants.ts';
import { noteSlots } from './pace.ts';
import { anyOutcome, expectedResult, type Outcome, type Settling, settlingOf } from './settlements.ts';
import { isUntried, receive } from './takes.ts';
import { withoutMemory } from '../without-memory.ts';
import type { World } from './world.ts';

interface Saying {
  /** The settlements of the worker's messages, in the order in which it took them. */
  outcomes: readonly (Outcome | null)[];
  places: number;
  look: 'woken' | 'due' | '';
  isProbe?: boolean;
  /** The reply is lost, and the worker repeats the call. */
  isRepeated?: boolean;
  hasMemory?: boolean;
}

/** One turn of a worker: it settles some of its messages and takes others, in one call. */
export const turnCommand = fc
  .record({
    n: fc.nat(2),
    outcomes: fc.array(fc.option(anyOutcome, { freq: 4 }), { maxLength: 5 }),
    places: fc.constantFrom(0, 1, 2, 3, 5, 8),
    look: fc.constantFrom('' as const, '' as const, 'woken' as const, 'due' as const),
    isProbe: fc.constantFrom(...Array<boolean>(9).fill(false), true),
    isRepeated: fc.constantFrom(false, false, false, true),
    hasMemory: fc.constantFrom(...Array<boolean>(9).fill(true), false),
  })
  .map(({ n, ...saying }): LaneCommand =>
    command(`turn(${n}, ${JSON.stringify(saying)})`, async (model, world) => {
      const worker = pick(model.workers, n);
      if (worker) await speak(model, world, worker, saying);
    }),
  );

export async function speak(model: Model, world: World, worker: Worker, saying: Saying): Promise<void> {
  const settlings = worker.works.flatMap((work, n) => {
    const outcome = saying.outcomes[n];
    return outcome ? [settlingOf(work, outcome)] : [];
  });
  await say(model, world, worker, { ...saying, settlings });
  if (!saying.isRepeated || settlings.length === 0) return;
  count(model, 'repeated');
  const again = { ...saying, settlings, places: 0, look: '' as const };
  await checked(model, world, async () => await say(model, world, worker, again));
}

type Said = Saying & { settlings: readonly Settling[] };

async function say(model: Model, world: World, worker: Worker, saying: Said): Promise<void> {
  const { settlings, look, isProbe = false, hasMemory = true } = saying;
  const places = isProbe ? Math.min(1, saying.places) : saying.places;
  const due = worker.slots.filter((slot) => slot <= model.passedMs).slice(0, places);
  const later = worker.slots.slice(due.length);
  const attemptPrefix = `${worker.token}.${model.names}.`;
  model.names += 1;
  if (places > 0) await world.hearMarker();
  const call = async (): Promise<TurnAnswer> =>
    await world.turn({
      token: worker.token,
      lockMs: LOCK_MS,
      attemptPrefix,
      settlements: settlings.map(({ toSettle }) => toSettle),
      places,
      dueSlots: due.length,
      laterSlots: later.length,
      look,
      isProbe,
    });
  // A full Redis refuses no turn: messages leave it only that way.
  const answer = hasMemory ? await call() : await withoutMemory(world.redis, call);
  worker.slots = later;
  worker.works = worker.works.filter((work) => !settlings.some((settling) => settling.work === work));
  for (const [n, settling] of settlings.entries()) hearResult(model, worker, settling, answer.settled[n]);
  count(model, `settled together: ${Math.min(settlings.length, 3)}`);
  if (look !== '') bringBackDue(model);
  receive(model, worker, answer, attemptPrefix);
  checkAnswer(model, worker, answer, { places, due, later, isProbe });
  await noteStrays(model, world);
  await noteTakenBack(model, world);
  await noteGrace(model, world);
}

/** A message that was too old for a dead worker, and is not since the clock was set back, waits for the end of a hold. */
async function noteTakenBack(model: Model, world: World): Promise<void> {
  const mayBe = openMessages(model).filter(
    (message) =>
      isUntried(message) &&
      !model.locks.has(message.id) &&
      model.now < message.expiresAt &&
      isHeld(model, message.lane),
  );
  if (mayBe.length === 0) return;
  const { jobs } = await world.look();
  for (const message of mayBe) {
    if (jobs[message.id]?.['place'] === undefined) comeBack(message);
  }
}

/** Attempts whose locks have ended in a gap are locked once more when a worker finds them. */
async function noteGrace(model: Model, world: World): Promise<void> {
  if (graceMs(model) === 0) return;
  const { locks } = await world.look();
  for (const { id, place, attempt } of openMessages(model)) {
    if (place !== 'sending' || model.locks.has(id) || locks[id] !== attempt) continue;
    model.locks.set(id, attempt);
    count(model, 'locked once more');
  }
}

function hearResult(
  model: Model,
  worker: Worker,
  settling: Settling,
  answer: TurnAnswer['settled'][number] | undefined,
): void {
  if (answer instanceof Error && answer.message.startsWith('OOM')) {
    // Only an entry of the history, which is written again.
    count(model, 'no memory for an entry');
    worker.works.push(settling.work);
    return;
  }
  const expected = expectedResult(model, settling);
  if (JSON.stringify(answer) !== JSON.stringify(expected)) {
    const { id, settlement } = settling.toSettle;
    throw new Error(`settling ${id} as ${settlement.kind}: ${JSON.stringify(answer)}, not ${JSON.stringify(expected)}`);
  }
}

interface Asked {
  places: number;
  due: readonly number[];
  later: readonly number[];
  isProbe: boolean;
}

/** A worker takes and reserves no more than its places and slots allow. */
function checkAnswer(model: Model, worker: Worker, answer: TurnAnswer, { places, due, later, isProbe }: Asked): void {
  const { taken, slotsMs, lookAgainMs, limit } = answer;
  const { intervalMs } = model.rules;
  const { passedMs } = model;
  if (taken.length > places) throw new Error(`${taken.length} messages for ${places} places`);
  if (slotsMs.length > places - taken.length) throw new Error(`${slotsMs.length} slots for ${places} places`);
  // The limit is read only where it matters.
  const isTheLimit = limit === undefined || (limit?.intervalMs ?? 0) === intervalMs;
  if (!isTheLimit) throw new Error(`the limit is ${JSON.stringify(limit)}`);
  if (lookAgainMs !== null && lookAgainMs < 0) throw new Error(`look again in ${lookAgainMs} ms`);
  if (places === 0) return;
  model.isProbing = isProbe;
  // While the circuit is open no worker should look.
  model.isWakeOwed = isProbe;
  if (isProbe) return;
  if (intervalMs === 0) return;
  const atOnce = Math.max(0, taken.length - due.length);
  if (atOnce > 0 && later.length > 0) throw new Error('more is taken than slots are due');
  const slots = slotsMs.map((ms) => passedMs + ms);
  noteSlots(model, [...Array<number>(atOnce).fill(passedMs), ...slots]);
  worker.slots.push(...slots);
  count(model, 'slot', slots.length);
}

/** Only now are messages found that were put back, but have lost their place meanwhile. */
async function noteStrays(model: Model, world: World): Promise<void> {
  if (model.strays.size === 0) return;
  const { wait } = await world.look();
  const left = new Set(wait.filter((id) => model.strays.has(id)));
  model.isDisturbed ||= left.size < model.strays.size;
  model.strays = left;
}

/** A worker dies: its messages stay open until their locks end. */
export const crashCommand = commandAbout(
  'crash',
  ({ workers }) => workers,
  async (_model, _world, { about }) => await Promise.resolve(Object.assign(about, { works: [], slots: [] })),
);

/** The lock of a message ends, because its worker is dead or stood still. */
export const stallCommand = commandAbout(
  'stall',
  stallable,
  async (model, world, { about }) => await stall(model, world, about),
);

async function stall(model: Model, world: World, { id }: Message): Promise<void> {
  await world.stall(id);
  model.locks.delete(id);
  count(model, 'stalled');
}

/** The locks of dead workers end. */
export async function stallAll(model: Model, world: World): Promise<void> {
  const isAlive = (message: Message): boolean =>
    model.workers.some(({ works }) => works.some((work) => work.message === message));
  for (const message of openMessages(model)) {
    if (!model.locks.has(message.id) || isAlive(message)) continue;
    if (model.seen.active.includes(message.id)) await stall(model, world, message);
    else await world.forget(`send:${message.id}:lock`);
    model.locks.delete(message.id);
  }
}

function stallable(model: Model): Message[] {
  return openMessages(model).filter(({ id }) => model.seen.active.includes(id) && model.locks.has(id));
}

/** A message that kills every worker that sends it. */
export const killerCommand = commandAbout('killer', stallable, async (model, world, { about: victim, n }) => {
  const [worker] = model.workers;
  if (!worker) return;
  for (let time = 0; time < 2 + (n % 5) && stallable(model).includes(victim); time += 1) {
    await checked(model, world, async () => await stall(model, world, victim));
    await checked(model, world, async () => await speak(model, world, worker, { outcomes: [], places: 8, look: '' }));
    worker.works = worker.works.filter(({ message }) => message !== victim);
  }
});
