import { checked } from './command.ts';
import { problemsOfHeldRest } from './hold-invariants.ts';
import { releaseAll } from './hold-commands.ts';
import { forward, lift, tick } from './leader-commands.ts';
import { graceMs, LONGEST_TICK_MS, type Message, type Model, newId, openMessages, type Worker } from './model.ts';
import { mend } from './operator-commands.ts';
import { store } from './producer-commands.ts';
import { DELIVERED } from './settlements.ts';
import { speak, stallAll } from './worker-commands.ts';
import type { World } from './world.ts';

const MANY_ROUNDS = 100;
const ROUNDS_WITH_LIMITS = 20;
const PLACES = 10;
/** The ends that are told; nobody sees that a job is removed. */
const ENDS = ['delivered', 'cancelled', 'dead'] as const;

/** Lets all messages go on to their ends. Throws if any is lost, stuck or left over. */
export async function drain(model: Model, world: World): Promise<void> {
  for (const worker of model.workers) Object.assign(worker, { works: [], slots: [] });
  await workOff(model, world, () => isBusy(model));
  const stillness = problemsOfHeldRest(model);
  if (stillness.length > 0) throw new Error(stillness.join('\n'));
  await releaseAll(model, world);
  await endAll(model, world);
  // Whatever was done to conversations, they accept new messages.
  const conversations = new Map([...model.messages.values()].map((message) => [message.lane, message]));
  for (const { page, conversation } of conversations.values()) {
    const order = { id: newId(model), page, conversation, ttlMs: 3_600_000 };
    await checked(model, world, async () => await store(model, world, [order]));
  }
  await endAll(model, world);
  expectNothingLeft(model);
  expectAllTold(model, await world.told());
}

async function endAll(model: Model, world: World): Promise<void> {
  await workOff(model, world, () => openMessages(model).length > 0 || isBusy(model));
}

async function workOff(model: Model, world: World, isOpen: () => boolean): Promise<void> {
  const [worker] = model.workers;
  if (!worker) return;
  for (let round = 0; round === 0 || isOpen(); round += 1) {
    if (round > MANY_ROUNDS) throw new Error(`stuck: ${namesOf(openMessages(model))}`);
    await checked(model, world, async () => {
      await forward(model, world, graceMs(model) > 0 ? LONGEST_TICK_MS : waitMs(model, worker));
      await stallAll(model, world);
      if (round === ROUNDS_WITH_LIMITS) await lift(model, world);
      await tick(model, world, model.lease?.id ?? 'w0');
      if (model.wasDisturbed) await mend(model, world);
    });
    const outcomes = worker.works.map(() => DELIVERED);
    await checked(model, world, () => speak(model, world, worker, { outcomes, places: PLACES, look: 'due' }));
  }
}

/** The time until there is something to do, in ms; 1 as long as a message waits for its settlement. */
function waitMs({ seen, now, passedMs, rules }: Model, { works, slots }: Worker): number {
  if (works.length > 0) return 1;
  const times = [seen.delayed, seen.due, seen.paced].flatMap((waits) => Object.values(waits));
  const untilMs = Math.min(...times.map((time) => time - now), ...slots.map((slot) => slot - passedMs));
  const untilSlotMs = Number(seen.fleet['tat'] ?? 0) - now + rules.intervalMs;
  return Math.ceil(Math.max(0, Number.isFinite(untilMs) ? untilMs : untilSlotMs));
}

function isBusy({ seen, workers }: Model): boolean {
  const { wait, active, delayed, due, turns, paced } = seen;
  const isWorking = workers.some(({ works }) => works.length > 0);
  return isWorking || [wait, active, delayed, due, turns, paced].some((values) => Object.keys(values).length > 0);
}

function namesOf(messages: readonly Message[]): string {
  return messages.map(({ id, place }) => `${id} ${place}`).join();
}

/** Each end is told once. After a disturbance an end may be found, and told, again. */
function expectAllTold({ messages, wasDisturbed, seen }: Model, told: readonly string[] | null): void {
  if (told === null) {
    if (seen.others.includes('events')) throw new Error('events without a reader');
    return;
  }
  const problems = [...messages.values()].flatMap(({ id, why }) => {
    const ends = ENDS.flatMap((type) => told.filter((event) => event === `${type} ${id}`).map(() => type));
    // It was dead before an operator found out more.
    const expected = told.includes(`resolved ${id}`) ? 'dead' : ENDS.find((type) => type === why);
    if (expected === undefined) {
      return wasDisturbed || ends.length === 0 ? [] : [`${id} is ${why}, told as ${ends.join()}`];
    }
    const isTold = ends.includes(expected) && (wasDisturbed || ends.length === 1);
    return isTold ? [] : [`${id} is ${expected}, told as ${ends.join() || 'nothing'}`];
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

function expectNothingLeft({ seen }: Model): void {
  const { lanes, heads, due, pages, asleep, turns, paced, held, hidden, wait, active, delayed } = seen;
  const left = Object.entries({ lanes, heads, due, pages, asleep, turns, paced, held, hidden, wait, active, delayed });
  const problems = left.filter(([, values]) => Object.keys(values).length > 0);
  if (problems.length > 0) throw new Error(`left over: ${JSON.stringify(Object.fromEntries(problems))}`);
}
