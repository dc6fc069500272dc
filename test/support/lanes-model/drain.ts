import { buryAll } from './bury-commands.ts';
import { checked } from './command.ts';
import { type Message, type Model, newName, openMessages } from './model.ts';
import { forward, mend } from './operator-commands.ts';
import { store } from './producer-commands.ts';
import { crash, processMessage, stallAll } from './worker-commands.ts';
import { DELIVERED } from './worker-steps.ts';
import type { World } from './world.ts';

const MANY_ROUNDS = 100;

/** Lets everything go on to its end, and says what is lost, stuck or left over. */
export async function drain(model: Model, world: World): Promise<void> {
  await checked(model, world, async () => {
    for (const worker of model.workers) await crash(model, world, worker);
  });
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
  const [worker] = model.workers;
  if (!worker) return;
  for (let round = 0; openMessages(model).length > 0 || model.seen.failed.length > 0; round += 1) {
    if (round > MANY_ROUNDS) throw new Error(`stuck: ${namesOf(openMessages(model))}`);
    await checked(model, world, async () => await stallAll(model, world));
    await checked(model, world, async () => await buryAll(model, world));
    while (model.seen.wait.length > 0) await processMessage(model, world, worker, DELIVERED);
    if (model.everDisturbed) await checked(model, world, async () => await mend(model, world));
    const until = Math.min(...Object.values(model.seen.delayed));
    const waitMs = Number.isFinite(until) ? Math.max(0, until - model.now) : 0;
    await checked(model, world, async () => await forward(model, world, waitMs));
  }
}

function namesOf(messages: readonly Message[]): string {
  return messages.map(({ id }) => id).join();
}

function expectNothingLeft({ seen }: Model): void {
  const left = {
    lanes: Object.keys(seen.lanes),
    ready: Object.keys(seen.ready),
    window: Object.keys(seen.window),
    failing: Object.keys(seen.failing),
    backoff: Object.keys(seen.backoff),
    held: Object.keys(seen.held),
    pages: seen.pages,
    open: [...seen.waitingChildren, ...seen.wait, ...seen.active, ...Object.keys(seen.delayed), ...seen.failed],
  };
  const problems = Object.entries(left).filter(([, keys]) => keys.length > 0);
  if (problems.length > 0) throw new Error(`left over: ${JSON.stringify(Object.fromEntries(problems))}`);
}
