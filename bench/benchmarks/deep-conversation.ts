import type { Benchmark, Measurement } from '../benchmark.ts';
import type { Contestant } from '../contestants/contestant.ts';
import { noQueue } from '../contestants/no-queue.ts';
import { kitechatSender } from '../contestants/ours.ts';
import type { PlainApi } from '../stage/plain-api.ts';
import { observeFrom, usedBetween } from './observation.ts';
import { pair } from './pair.ts';

const MESSAGES = 200;
const API_LATENCY_MS = 200;

/** The messages of one conversation can only go one after the other: what comes between an answer and the next request? */
export const deepConversation: Benchmark = {
  name: 'deep-conversation',
  measures:
    `Messages per second of one conversation with ${MESSAGES} waiting, with an API latency of ${API_LATENCY_MS} ms, from the ` +
    'first arrival to the last one; against the same requests made one after the other without a queue.',
  unit: 'messages/s',
  limit: { atLeast: 0.95 },
  // It waits nearly all of the time: nothing is there to get warm.
  warmUpRounds: 0,
  prepare: async () =>
    await pair(
      { baseline: noQueue, subject: kitechatSender(), apiLatencyMs: API_LATENCY_MS, concurrency: 1 },
      measureDeep,
    ),
};

async function measureDeep(contestant: Contestant, api: PlainApi): Promise<Measurement> {
  await contestant.store.empty();
  await contestant.pileUp({ conversations: 1, messages: MESSAGES });
  await api.forget();
  await using worker = await contestant.startWorker();
  const observed = { contestant, workers: [worker], api };
  const first = await observeFrom(observed, 1);
  const last = await observeFrom(observed, MESSAGES);
  return { value: usedBetween(first, last).perSecond, details: { overlaps: last.overlaps } };
}
