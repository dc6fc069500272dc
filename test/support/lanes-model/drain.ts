import { buryAll } from './bury-commands.ts';
import { checked } from './command.ts';
import { releaseAllDue } from './due-commands.ts';
import { releaseAll } from './hold-commands.ts';
import { problemsOfHeldRest } from './holds.ts';
import { type Message, type Model, newName, openMessages } from './model.ts';
import { forward, lift, mend } from './operator-commands.ts';
import { store } from './producer-commands.ts';
import { crash, processMessage, stallAll } from './worker-commands.ts';
import { DELIVERED } from './worker-steps.ts';
import type { World } from './world.ts';

const MANY_ROUNDS = 100;
const ROUNDS_WITH_LIMITS = 20;

/** Lets everything go on to its end, and says what is lost, stuck or left over. */
export async function drain(model: Model, world: World): Promise<void> {
  await checked(model, world, async () => {
    for (const worker of model.workers) await crash(model, world, worker);
  });
  await workOff(model, world, () => isBusy(model));
  const stillness = problemsOfHeldRest(model);
  if (stillness.length > 0) throw new Error(stillness.join('\n'));
  model.policy = 'continue';
  await releaseAll(model, world);
  await endAll(model, world);
  // Whatever was done to them, conversations take new messages.
  const conversations = new Map([...model.messages.values()].map((message) => [message.lane, message]));
  for (const { page, conversation } of conversations.values()) {
    const order = { id: newName(model, 'm'), page, conversation, ttlMs: 3_600_000, maxQueued: 1_000_000 };
    await checked(model, world, async () => await store(model, world, order));
  }
  await endAll(model, world);
  const unfinished = [...model.messages.values()].filter(({ end }) => end === null);
  if (unfinished.length > 0) throw new Error(`${namesOf(unfinished)} never ended`);
  expectNothingLeft(model);
}

async function endAll(model: Model, world: World): Promise<void> {
  await workOff(model, world, () => openMessages(model).length > 0 || isBusy(model));
}

async function workOff(model: Model, world: World, isOpen: () => boolean): Promise<void> {
  const [worker] = model.workers;
  if (!worker) return;
  for (let round = 0; round === 0 || isOpen(); round += 1) {
    if (round > MANY_ROUNDS) throw new Error(`stuck: ${namesOf(openMessages(model))}`);
    await checked(model, world, async () => await stallAll(model, world));
    await checked(model, world, async () => await buryAll(model, world));
    while (model.seen.wait.length > 0) await processMessage(model, world, worker, DELIVERED);
    if (model.everDisturbed) await checked(model, world, async () => await mend(model, world));
    if (round === ROUNDS_WITH_LIMITS) await checked(model, world, async () => await lift(model, world));
    const until = Math.min(...Object.values(model.seen.delayed), ...Object.values(model.seen.due));
    const waitMs = Number.isFinite(until) ? Math.max(0, until - model.now) : 0;
    await checked(model, world, async () => await forward(model, world, waitMs));
    await checked(model, world, async () => await releaseAllDue(model, world));
  }
}

/** BullMQ has what has ended, too, until a worker has looked at it. */
function isBusy({ seen }: Model): boolean {
  return seen.wait.length + seen.active.length + seen.failed.length + Object.keys(seen.delayed).length > 0;
}

function namesOf(messages: readonly Message[]): string {
  return messages.map(({ id }) => id).join();
}

function expectNothingLeft({ seen }: Model): void {
  const left = {
    lanes: Object.keys(seen.lanes),
    ready: Object.keys(seen.ready),
    high: Object.keys(seen.high),
    slots: Object.keys(seen.slots),
    due: Object.keys(seen.due),
    window: Object.keys(seen.window),
    failing: Object.keys(seen.failing),
    backoff: Object.keys(seen.backoff),
    held: Object.keys(seen.held),
    pages: seen.pages,
    asleep: seen.asleep,
    open: [...seen.waitingChildren, ...seen.wait, ...seen.active, ...Object.keys(seen.delayed), ...seen.failed],
  };
  const problems = Object.entries(left).filter(([, keys]) => keys.length > 0);
  if (problems.length > 0) throw new Error(`left over: ${JSON.stringify(Object.fromEntries(problems))}`);
}
