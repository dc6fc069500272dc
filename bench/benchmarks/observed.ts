import { setTimeout as delay } from 'node:timers/promises';
import type { Benchmark, Measurement, Side } from '../benchmark.ts';
import { steadyPerSecond } from '../result/throughput.ts';
import { command } from '../stage/command.ts';
import { processorTimeUs } from '../stage/processor-time.ts';
import { openStage, type Stage } from '../stage/stage.ts';
import { pageMessages } from './messages.ts';

const PAGES = 20;
/** Enough for some seconds: in less the first answers, which compilers have not seen yet, would count for much. */
const MESSAGES_OF_PAGE = 1500;
const STORED_AT_ONCE = 500;
const CONVERSATIONS_OF_PAGE = 100;

/** The API is so quick that the worker's processor is what is scarce. */
const SYSTEM = { workers: 1, concurrency: 100, apiLatencyMs: 0, pageParallelism: 'auto' };

/** What is asked for, and how often: a scrape, and the overview as a browser shows it, with its charts. */
const QUESTIONS = [
  { path: 'metrics', everyMs: 1000, headers: {} },
  { path: '', everyMs: 2000, headers: { accept: 'text/html', 'hx-request': 'true' } },
  { path: 'traffic.json', everyMs: 5000, headers: {} },
] as const;

/** What do the console and the metrics cost a worker? */
export const observed: Benchmark = {
  name: 'observed',
  measures:
    `Messages per second of the worker's processor time, from ${PAGES} pages with ${MESSAGES_OF_PAGE} messages each, that were ` +
    'held until all were stored: what a worker can send that has a processor for itself. With the console and metrics served, scraped every second and the overview shown in a browser, against a worker ' +
    `that serves nothing. ${SYSTEM.workers} worker of ${SYSTEM.concurrency}, an API that answers at once; each side has a ` +
    'system of its own, and one of them rests while the other is measured.',
  unit: 'messages per second of processor time',
  limit: { atLeast: 0.97 },
  also: { 'messages/s': {} },
  async prepare() {
    await using stack = new AsyncDisposableStack();
    const side = async (name: string, served: boolean): Promise<Side> => {
      const stage = stack.use(await openStage({ ...SYSTEM, served }));
      return { name, measure: () => measureObserved(stage) };
    };
    const baseline = await side('nothing served', false);
    const subject = await side('observed', true);
    const owned = stack.move();
    return { baseline, subject, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  },
};

async function measureObserved(stage: Stage): Promise<Measurement> {
  const { api, producer } = stage;
  await api.forget();
  const env = { REDIS_URL: stage.redisUrl };
  await command(env, 'hold', '--all');
  const pages = Array.from({ length: PAGES }, (_, page) => `page-${page}`);
  for (const page of pages) {
    for (let from = 0; from < MESSAGES_OF_PAGE; from += STORED_AT_ONCE) {
      await producer.enqueueMessages(pageMessages(page, from, from + STORED_AT_ONCE, CONVERSATIONS_OF_PAGE));
    }
  }
  const stopping = new AbortController();
  const usedBeforeUs = usedBy(stage);
  const [answers] = await Promise.all([
    Promise.all(stage.urls.flatMap((url) => QUESTIONS.map((question) => ask(url, question, stopping.signal)))),
    stage.untilEmpty().finally(() => stopping.abort()),
    command(env, 'release', '--all'),
  ]);
  const usedUs = usedBy(stage) - usedBeforeUs;

  const arrivals = (await Promise.all(pages.map((page) => api.arrivalsOf(page)))).flat();
  if (arrivals.length !== PAGES * MESSAGES_OF_PAGE) throw new Error(`${arrivals.length} messages arrived`);
  const arrivalsMs = arrivals.map(({ atMs }) => atMs);
  const perSecond = steadyPerSecond(arrivalsMs, Math.min(...arrivalsMs), SYSTEM.concurrency);
  return {
    value: (arrivals.length * 1e6) / usedUs,
    details: { 'messages/s': perSecond, answers: answers.reduce((sum, count) => sum + count, 0) },
  };
}

function usedBy({ workerPids }: Stage): number {
  return workerPids.reduce((sum, pid) => sum + processorTimeUs(pid), 0);
}

/** Asks until it is told to stop. @returns how many answers came. */
async function ask(
  url: string,
  { path, everyMs, headers }: (typeof QUESTIONS)[number],
  stopping: AbortSignal,
): Promise<number> {
  for (let answers = 0; ; answers += 1) {
    if (stopping.aborted) return answers;
    const response = await fetch(new URL(path, url), { headers });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`/${path} answered ${response.status}`);
    await delay(everyMs, undefined, { signal: stopping }).catch(() => {});
  }
}
