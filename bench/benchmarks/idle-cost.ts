import { setTimeout as delay } from 'node:timers/promises';
import type { Benchmark, Measurement } from '../benchmark.ts';
import { byHand } from '../contestants/by-hand.ts';
import type { Enter } from '../contestants/contestant.ts';
import { kitechatSender } from '../contestants/ours.ts';
import { openFleetSide, WORKERS } from './fleet-side.ts';
import { contestOf, type OpenSide } from './pair.ts';

/** The workers have sent this before they are idle, as workers have. */
const SENT = { conversations: 200, messages: 1000 };
/** Until a process is quiet that has just started and worked. */
const SETTLE_MS = 15_000;
const SECONDS = 30;

/** What do workers cost that have nothing to do? */
export const idleCost: Benchmark = {
  name: 'idle-cost',
  measures:
    `µs of processor time of Redis in a second, over ${SECONDS} seconds in which ${WORKERS} worker processes have nothing to do, with ` +
    `default settings, after they have sent ${SENT.messages} messages; with the commands in a second, those that scripts call ` +
    'included, and the share of a core that one worker uses.',
  unit: 'µs',
  limit: {},
  also: { 'commands/s': {}, 'worker, % of a core': {} },
  marks: { 'commands/s': { atMost: 40 }, 'worker, % of a core': { atMost: 0.5 } },
  // The sides have settled already.
  warmUpRounds: 0,
  prepare: async () =>
    await contestOf(
      async () => await openIdleSide(byHand('undici')),
      async () => await openIdleSide(kitechatSender()),
    ),
};

async function openIdleSide(enter: Enter): Promise<OpenSide> {
  await using stack = new AsyncDisposableStack();
  const { contestant, observe, ...side } = await openFleetSide(enter);
  stack.use(side);
  await contestant.pileUp(SENT);
  await observe(SENT.messages);
  await delay(SETTLE_MS);

  const measure = async (): Promise<Measurement> => {
    const from = await observe(0);
    await delay(SECONDS * 1000);
    const to = await observe(0);
    const seconds = (to.atMs - from.atMs) / 1000;
    return {
      value: (to.storeUs - from.storeUs) / seconds,
      details: {
        'commands/s': (to.commands - from.commands) / seconds,
        'worker, % of a core': ((to.workerUs - from.workerUs) / 1e6 / seconds / WORKERS) * 100,
      },
    };
  };
  const owned = stack.move();
  return { name: contestant.name, measure, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
