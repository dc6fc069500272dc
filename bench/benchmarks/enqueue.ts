import type { Benchmark, Measurement } from '../benchmark.ts';
import { byHand } from '../contestants/by-hand.ts';
import type { Contestant } from '../contestants/contestant.ts';
import { kitechatSender } from '../contestants/ours.ts';
import type { StoringTask } from '../contestants/storing.ts';
import { pair } from './pair.ts';

const CONVERSATIONS = 1000;
const WARM = 10_000;
const MESSAGES = 30_000;
const CALLERS = 64;

type Way = (from: number, messages: number) => StoringTask;

const oneByOne: Way = (from, messages) => ({
  do: 'callers',
  callers: CALLERS,
  workload: { conversations: CONVERSATIONS, messages, from },
});
const inBulk: Way = (from, messages) => ({
  do: 'batches',
  workload: { conversations: CONVERSATIONS, messages, from },
});

const OF_ONE_PROCESS =
  `Messages per second that one process stores, over ${MESSAGES} of 300 bytes in ${CONVERSATIONS} conversations after ` +
  `${WARM} others, with no worker`;

/** What it costs an app to hand over its messages. */
export const enqueuing: readonly Benchmark[] = [
  enqueue({ name: 'enqueue-one', how: `by ${CALLERS} callers, one message each`, atLeast: 0.8, way: oneByOne }),
  enqueue({ name: 'enqueue-bulk', how: 'in batches of 500', atLeast: 0.7, way: inBulk }),
];

function enqueue({ name, how, atLeast, way }: { name: string; how: string; atLeast: number; way: Way }): Benchmark {
  return {
    name,
    measures: `${OF_ONE_PROCESS}, ${how}.`,
    unit: 'messages/s',
    limit: { atLeast },
    also: { 'producer µs': {}, 'store µs': {} },
    prepare: async () =>
      await pair(
        // Nobody sends here: a worker's client makes no difference.
        { baseline: byHand('ky', 'BullMQ'), subject: kitechatSender(), apiLatencyMs: 0, concurrency: 1 },
        async (contestant) => await measureEnqueue(contestant, way),
      ),
  };
}

async function measureEnqueue({ store, startStoring }: Contestant, way: Way): Promise<Measurement> {
  await store.empty();
  await using storing = await startStoring();
  await storing.run(way(0, WARM));
  const storeBeforeUs = store.processorTimeUs();
  const { tookMs, processorUs } = await storing.run(way(WARM, MESSAGES));
  const storeUs = store.processorTimeUs() - storeBeforeUs;
  return {
    value: (MESSAGES * 1000) / tookMs,
    details: { 'producer µs': processorUs / MESSAGES, 'store µs': storeUs / MESSAGES },
  };
}
