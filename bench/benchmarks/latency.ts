import type { Benchmark, Contest, Measurement } from '../benchmark.ts';
import { byHand } from '../contestants/by-hand.ts';
import type { Enter } from '../contestants/contestant.ts';
import { kitechatSender } from '../contestants/ours.ts';
import { percentile } from '../result/statistics.ts';
import { startPlainApi } from '../stage/plain-api.ts';
import { processorTimeUs } from '../stage/processor-time.ts';
import { observeFrom, usedBetween } from './observation.ts';

const CONCURRENCY = 256;
const API_LATENCY_MS = 20;
/** So many that none of them has two messages under way. */
const CONVERSATIONS = 100_000;
const SECONDS = 10;
/** Compilers get warm, and what the start of a pace disturbs comes to rest. */
const WARM_SECONDS = 2;

const CALIBRATION = { conversations: 1000, messages: 15_000 };

const MEASURES =
  `From the call that stores a message to its arrival at the API, median, in ms, over ${SECONDS} seconds of messages that are ` +
  `stored in even intervals by a process of its own, each in another conversation; one worker process of ${CONCURRENCY}, API ` +
  `latency ${API_LATENCY_MS} ms.`;

/** How long does a message take when nothing has piled up? */
export const latencies: readonly Benchmark[] = [
  latency('latency-200', `${MEASURES} 200 messages per second.`, async () => await Promise.resolve(200)),
  latency('latency-half', `${MEASURES} At half the pace at which BullMQ and ky drain a backlog.`, async () => {
    return (await drainedPerSecond(byHand('ky'))) / 2;
  }),
];

function latency(name: string, measures: string, pace: () => Promise<number>): Benchmark {
  return {
    name,
    measures,
    unit: 'ms',
    limit: { atMost: 1.3 },
    also: { p99: { atMost: 1.5 }, 'worker µs': {} },
    async prepare(): Promise<Contest> {
      const perSecond = Math.round(await pace());
      await using stack = new AsyncDisposableStack();
      const side = async (enter: Enter) => {
        const { name: sideName, measure, ...system } = await openSteady(enter, perSecond);
        stack.use(system);
        return { name: sideName, measure };
      };
      const sides = { baseline: await side(byHand('ky')), subject: await side(kitechatSender()) };
      const owned = stack.move();
      return { ...sides, [Symbol.asyncDispose]: () => owned.disposeAsync() };
    },
  };
}

/** A worker and a process that stores, both of which stay up: what has piled up nowhere needs no new start. */
async function openSteady(enter: Enter, perSecond: number) {
  await using stack = new AsyncDisposableStack();
  const api = stack.use(await startPlainApi(API_LATENCY_MS));
  const contestant = stack.use(await enter({ apiUrl: api.url, concurrency: CONCURRENCY }));
  const worker = stack.use(await contestant.startWorker());
  const storing = stack.use(await contestant.startStoring());
  let from = 0;

  const send = async (seconds: number) => {
    const messages = Math.round(perSecond * seconds);
    await api.forget();
    const workload = { conversations: CONVERSATIONS, messages, from };
    from += messages;
    const workerBeforeUs = processorTimeUs(worker.pid);
    const { latestMs } = await storing.run({ do: 'pace', workload, perSecond });
    await observeFrom({ contestant, workers: [worker], api }, messages);
    const workerUs = (processorTimeUs(worker.pid) - workerBeforeUs) / messages;
    return { delaysMs: await api.delaysMs(), latestMs, workerUs };
  };
  const measure = async (): Promise<Measurement> => {
    await send(WARM_SECONDS);
    const { delaysMs, latestMs, workerUs } = await send(SECONDS);
    return {
      value: percentile(delaysMs, 50),
      details: {
        p99: percentile(delaysMs, 99),
        'worker µs': workerUs,
        'messages/s': perSecond,
        'latest call, ms': latestMs,
      },
    };
  };
  const owned = stack.move();
  return { name: contestant.name, measure, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function drainedPerSecond(enter: Enter): Promise<number> {
  await using api = await startPlainApi(API_LATENCY_MS);
  await using contestant = await enter({ apiUrl: api.url, concurrency: CONCURRENCY });
  await contestant.pileUp(CALIBRATION);
  await using worker = await contestant.startWorker();
  const observed = { contestant, workers: [worker], api };
  const from = await observeFrom(observed, CALIBRATION.messages / 3);
  return usedBetween(from, await observeFrom(observed, CALIBRATION.messages)).perSecond;
}
