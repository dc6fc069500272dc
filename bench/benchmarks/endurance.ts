import type { Benchmark, Contest, Measurement } from '../benchmark.ts';
import { kitechatSender } from '../contestants/ours.ts';
import { median } from '../result/statistics.ts';
import { startPlainApi } from '../stage/plain-api.ts';
import { openBacklog } from './backlog.ts';
import { memorySamples } from './memory-samples.ts';
import { observeFrom, usedBetween } from './observation.ts';

const CONCURRENCY = 256;
const BACKLOG = { conversations: 1000, waiting: 5000 };
const MESSAGES = 1_000_000;
const EARLY = { from: 50_000, to: 150_000 };
const LATE = { from: MESSAGES - 100_000, to: MESSAGES };

/** Does a worker grow while it works? */
export const endurance: Benchmark = {
  name: 'endurance',
  measures:
    `Memory of one worker process of ${CONCURRENCY} that delivers ${MESSAGES} messages: median from message ${LATE.from} to ${LATE.to}, ` +
    `against message ${EARLY.from} to ${EARLY.to}. API latency 0 ms; ${BACKLOG.waiting} wait all the time.`,
  unit: 'MB',
  limit: { atMost: 1.1 },
  // Both sides are parts of one long run.
  rounds: 1,
  warmUpRounds: 0,
  async prepare(): Promise<Contest> {
    await using stack = new AsyncDisposableStack();
    const api = stack.use(await startPlainApi(0));
    const contestant = stack.use(await kitechatSender()({ apiUrl: api.url, concurrency: CONCURRENCY }));
    const backlog = stack.use(await openBacklog(contestant, api, BACKLOG));
    const worker = stack.use(await contestant.startWorker());
    const observed = { contestant, workers: [worker], api };

    const watch = async ({ from, to }: { from: number; to: number }): Promise<Measurement> => {
      const start = await observeFrom(observed, from);
      const samples = memorySamples(worker.pid);
      const end = await observeFrom(observed, to, samples.take);
      return { value: median(samples.megabytes()), details: { 'messages/s': usedBetween(start, end).perSecond } };
    };
    const owned = stack.move();
    return {
      baseline: { name: 'early', measure: async () => await backlog.whileWorking(watch(EARLY)) },
      subject: { name: 'late', measure: async () => await backlog.whileWorking(watch(LATE)) },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};
