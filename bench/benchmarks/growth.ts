import type { Benchmark, Contest, Limit, Measurement, Side } from '../benchmark.ts';
import { kitechatSender } from '../contestants/ours.ts';
import { median } from '../result/statistics.ts';
import { startPlainApi } from '../stage/plain-api.ts';
import { openBacklog } from './backlog.ts';
import { observeFrom, usedBetween } from './observation.ts';
import { memorySamples } from './memory-samples.ts';

const CONCURRENCY = 256;

interface Backlog {
  conversations: number;
  waiting: number;
}

interface Growth {
  name: string;
  little: Backlog;
  much: Backlog;
  warm: number;
  measured: number;
  limit?: Limit;
  memory?: Limit;
}

/** Does it matter how much waits? */
export const growths: readonly Benchmark[] = [
  growth({
    name: 'growth-waiting-1000000',
    little: { conversations: 1000, waiting: 1000 },
    much: { conversations: 1000, waiting: 1_000_000 },
    warm: 5000,
    measured: 20_000,
    limit: { atLeast: 0.9 },
    memory: { atMost: 1.1 },
  }),
  growth({
    name: 'growth-conversations-100000',
    little: { conversations: 1000, waiting: 1000 },
    much: { conversations: 100_000, waiting: 100_000 },
    warm: 5000,
    measured: 20_000,
  }),
  growth({
    name: 'growth-deep-100000',
    little: { conversations: 1, waiting: 1000 },
    much: { conversations: 1, waiting: 100_000 },
    warm: 500,
    measured: 2500,
  }),
];

function growth({ name, little, much, warm, measured, limit = {}, memory = {} }: Growth): Benchmark {
  return {
    name,
    measures:
      `Messages per second of one worker process of ${CONCURRENCY}, just started, over ${measured} messages after the first ${warm}, with ` +
      `${much.waiting} waiting in ${much.conversations} conversations, against ${little.waiting} in ${little.conversations}. API ` +
      'latency 0 ms. What is sent is stored anew at once on both sides, so that the backlog stays as long as it is.',
    unit: 'messages/s',
    limit,
    also: { 'worker MB': memory, 'worker µs': {}, 'store µs': {} },
    async prepare(): Promise<Contest> {
      await using stack = new AsyncDisposableStack();
      const side = async (backlog: Backlog): Promise<Side> => {
        const { measure, ...system } = await openGrown(backlog, warm, measured);
        stack.use(system);
        return { name: `${backlog.waiting} waiting`, measure };
      };
      const sides = { baseline: await side(little), subject: await side(much) };
      const owned = stack.move();
      return { ...sides, [Symbol.asyncDispose]: () => owned.disposeAsync() };
    },
  };
}

async function openGrown(filled: Backlog, warm: number, measured: number) {
  await using stack = new AsyncDisposableStack();
  const api = stack.use(await startPlainApi(0));
  const contestant = stack.use(await kitechatSender()({ apiUrl: api.url, concurrency: CONCURRENCY }));
  const backlog = stack.use(await openBacklog(contestant, api, filled));

  const work = async (): Promise<Measurement> => {
    await using worker = await contestant.startWorker();
    const observed = { contestant, workers: [worker], api };
    const { arrived } = await api.tally();
    const from = await observeFrom(observed, arrived + warm);
    const samples = memorySamples(worker.pid);
    const to = await observeFrom(observed, arrived + warm + measured, samples.take);
    await worker.end();
    const { perSecond, workerUs, storeUs } = usedBetween(from, to);
    return {
      value: perSecond,
      details: { 'worker MB': median(samples.megabytes()), 'worker µs': workerUs, 'store µs': storeUs },
    };
  };
  const owned = stack.move();
  return {
    measure: async () => await backlog.whileWorking(work()),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
