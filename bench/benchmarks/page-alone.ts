import type { Benchmark, Measurement, Side } from '../benchmark.ts';
import { steadyPerSecond } from '../result/throughput.ts';
import { monotonicMs } from '../../test/support/api/monotonic-ms.ts';
import { openStage, type Stage } from '../stage/stage.ts';
import { pageMessages } from './messages.ts';

const PAGE = 'alone';
const MESSAGES = 10_000;
const CONVERSATIONS = 2000;
const STORED_AT_ONCE = 500;

const SYSTEM = { workers: 4, concurrency: 25, apiLatencyMs: 200 };
const SLOTS = SYSTEM.workers * SYSTEM.concurrency;
const CEILING_PER_SECOND = (SLOTS / SYSTEM.apiLatencyMs) * 1000;

/** A window that never closes. */
const WINDOW_OFF = '10000';

/** One page has all the work: does its window cost throughput? */
export const pageAlone: Benchmark = {
  name: 'page-alone',
  measures:
    `Messages per second at the API, from one page with ${MESSAGES} messages over ${CONVERSATIONS} conversations and ` +
    `no other page: from the moment when all are stored to the last but ${SLOTS}. With KITECHAT_PAGE_PARALLELISM=auto, ` +
    `against ${WINDOW_OFF}. ${SYSTEM.workers} workers of ${SYSTEM.concurrency}, API latency ${SYSTEM.apiLatencyMs} ms; ` +
    'each side has a system of its own, and one of them rests while the other is measured.',
  unit: 'messages/s',
  limit: { atLeast: 0.95 },
  async prepare() {
    await using stack = new AsyncDisposableStack();
    const side = async (name: string, pageParallelism: string): Promise<Side> => {
      const stage = stack.use(await openStage({ ...SYSTEM, pageParallelism }));
      return { name, measure: () => measureThroughput(stage) };
    };
    const baseline = await side('window off', WINDOW_OFF);
    const subject = await side('window auto', 'auto');
    const owned = stack.move();
    return { baseline, subject, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  },
};

async function measureThroughput(stage: Stage): Promise<Measurement> {
  const { api, producer } = stage;
  await api.forget();
  for (let stored = 0; stored < MESSAGES; stored += STORED_AT_ONCE) {
    await producer.enqueueMessages(pageMessages(PAGE, stored, stored + STORED_AT_ONCE, CONVERSATIONS));
  }
  const allStoredAtMs = monotonicMs();
  const waiting = await stage.waiting();
  await stage.untilEmpty();
  const arrivals = await api.arrivalsOf(PAGE);
  if (arrivals.length !== MESSAGES) throw new Error(`${MESSAGES} messages were stored, ${arrivals.length} arrived`);
  const perSecond = steadyPerSecond(
    arrivals.map(({ atMs }) => atMs),
    allStoredAtMs,
    SLOTS,
  );
  return {
    value: perSecond,
    details: { 'waiting when all are stored': waiting, 'of what the slots allow': perSecond / CEILING_PER_SECOND },
  };
}
