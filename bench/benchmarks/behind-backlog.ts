import { setTimeout as delay } from 'node:timers/promises';
import type { SendRequest } from '../../src/shared/model/message.ts';
import { eventually } from '../../test/support/eventually.ts';
import type { Benchmark, Measurement } from '../benchmark.ts';
import type { Moment } from '../../test/support/api/questions.ts';
import { latenciesMs } from '../result/latency.ts';
import { percentile } from '../result/statistics.ts';
import { monotonicMs } from '../../test/support/api/monotonic-ms.ts';
import { openStage, type Stage } from '../stage/stage.ts';
import { pageMessages } from './messages.ts';

const BUSY_PAGE = 'busy';
const WAITING = 10_000;
const BUSY_CONVERSATIONS = 2000;
const STORED_AT_ONCE = 500;

const OTHER_PAGE = 'other';
const MESSAGES = 100;

const FLEET = { workers: 2, concurrency: 50, pageParallelism: 'auto' };

/**
 * How the other page's messages come, and how long the API takes. A burst needs 100 slots at once: with a slow API they
 * come free so slowly that no order of sending could keep the limit. What comes one by one needs few, and with a quick
 * API the processor would be what is scarce, not the slots that the window shares out.
 */
const arrivals = {
  burst: { gapMs: 0, apiLatencyMs: 20, words: 'in one burst' },
  paced: { gapMs: 20, apiLatencyMs: 200, words: 'one every 20 ms' },
} as const;

/** A page has 10,000 waiting and is worked on; then another page's 100 messages come. */
export function behindBacklog(arrival: keyof typeof arrivals): Benchmark {
  const { gapMs, apiLatencyMs, words } = arrivals[arrival];
  return {
    name: `behind-backlog-${arrival}`,
    measures:
      `p99 of ${MESSAGES} messages of one page, ${words}, each to a conversation of its own: from the call of ` +
      `enqueueMessage to the arrival at the API. Behind another page with ${WAITING} messages waiting over ` +
      `${BUSY_CONVERSATIONS} conversations, against an idle system. ${FLEET.workers} workers of ` +
      `${FLEET.concurrency}, API latency ${apiLatencyMs} ms, the same system for both.`,
    unit: 'ms',
    limit: { atMost: 3 },
    async prepare() {
      const stage = await openStage({ ...FLEET, apiLatencyMs });
      return {
        baseline: {
          name: 'idle',
          measure: () => measureOtherPage(stage, gapMs),
        },
        subject: {
          name: 'busy',
          async measure() {
            await fillBusyPage(stage);
            return await measureOtherPage(stage, gapMs);
          },
        },
        [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
      };
    },
  };
}

/** Workers deliver while it fills: it goes on until so many wait. */
async function fillBusyPage({ producer, waiting }: Stage): Promise<void> {
  for (let stored = 0; stored < 10 * WAITING; stored += STORED_AT_ONCE) {
    await producer.enqueueMessages(pageMessages(BUSY_PAGE, stored, stored + STORED_AT_ONCE, BUSY_CONVERSATIONS));
    if ((await waiting()) >= WAITING) return;
  }
  throw new Error(`the workers are faster than one producer: there were never ${WAITING} messages waiting`);
}

async function measureOtherPage(stage: Stage, gapMs: number): Promise<Measurement> {
  const { api, producer } = stage;
  const requests = pageMessages(OTHER_PAGE, 0, MESSAGES, MESSAGES);
  const waitingBefore = await stage.waiting();
  const startedAtMs = monotonicMs();
  const calls = await Promise.all(
    requests.map(async (request, index) => {
      if (gapMs > 0) await delay(index * gapMs);
      return await timedEnqueue(producer, request);
    }),
  );
  const waitingAfter = await stage.waiting();
  const arrived = await eventually(
    "the other page's messages have arrived",
    async () => {
      const found = await api.arrivalsOf(OTHER_PAGE);
      return found.length >= MESSAGES && found;
    },
    60_000,
  );
  const meanwhile = { fromMs: startedAtMs, toMs: Math.max(...arrived.map(({ atMs }) => atMs)) };
  const busyPerSecond = perSecond(await api.arrivalsOf(BUSY_PAGE), meanwhile);
  await stage.untilEmpty();
  await api.forget();

  const latencies = latenciesMs(calls, arrived);
  return {
    value: percentile(latencies, 99),
    details: {
      p50: percentile(latencies, 50),
      'p99 of the call alone': percentile(
        calls.map(({ tookMs }) => tookMs),
        99,
      ),
      'waiting before': waitingBefore,
      'waiting after the last call': waitingAfter,
      'of the busy page meanwhile, per second': busyPerSecond,
    },
  };
}

async function timedEnqueue(producer: Stage['producer'], request: SendRequest): Promise<Moment & { tookMs: number }> {
  const atMs = monotonicMs();
  await producer.enqueueMessage(request);
  return { conversationId: request.conversationId, atMs, tookMs: monotonicMs() - atMs };
}

function perSecond(moments: readonly Moment[], { fromMs, toMs }: { fromMs: number; toMs: number }): number {
  return (moments.filter(({ atMs }) => atMs > fromMs && atMs <= toMs).length / (toMs - fromMs)) * 1000;
}
