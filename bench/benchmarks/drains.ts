import type { Benchmark } from '../benchmark.ts';
import { byHand } from '../contestants/by-hand.ts';
import { noQueue } from '../contestants/no-queue.ts';
import { beeQueue, graphileWorker, groupmq, groupmqKy, pgBoss, pgBossKy } from '../peers/enter.ts';
import { drain } from './drain.ts';

const ky = {
  against: 'bullmq-ky',
  baseline: byHand('ky'),
};
const kyMarks = { workerProcessor: { atMost: 0.4 }, perSecond: { atLeast: 1.6 }, storeProcessor: { atMost: 1.6 } };

const undici = {
  against: 'bullmq-undici',
  baseline: byHand('undici'),
};
const undiciMarks = {
  workerProcessor: { atMost: 0.85 },
  perSecond: { atLeast: 1 },
  storeProcessor: { atMost: 0.9 },
  bytes: { atMost: 1.2 },
};

const groupmqInKy = { against: 'groupmq-ky', baseline: groupmqKy, apiLatencyMs: 0 };
const many = { conversations: 100_000, messages: 100_000, warm: 5000, measured: 20_000 };

/** What a team would take instead, and what there is to gain at most. */
export const drains: readonly Benchmark[] = [
  drain({ ...ky, ...kyMarks, apiLatencyMs: 0 }),
  drain({ ...ky, ...kyMarks, apiLatencyMs: 20 }),
  // Here the requests that may be open at once are what is scarce.
  drain({ ...ky, apiLatencyMs: 200, messages: 12_000 }),
  drain({ ...ky, apiLatencyMs: 0, conversations: 20_000, messages: 20_000 }),
  drain({ ...undici, ...undiciMarks, apiLatencyMs: 0 }),
  drain({ ...undici, apiLatencyMs: 20, workerProcessor: { atMost: 1.35 }, storeProcessor: { atMost: 1.6 } }),
  // With ky, as most teams send, and with undici, the cheapest client.
  drain({ ...groupmqInKy, workerProcessor: { atMost: 0.5 } }),
  drain({ ...groupmqInKy, ...many, workerProcessor: { atMost: 0.5 }, perSecond: { atLeast: 2.5 } }),
  drain({ against: 'groupmq', baseline: groupmq, apiLatencyMs: 0, workerProcessor: { atMost: 0.9 } }),
  drain({ against: 'groupmq', baseline: groupmq, apiLatencyMs: 0, ...many }),
  drain({ against: 'bee-queue', baseline: beeQueue, apiLatencyMs: 0 }),
  drain({ against: 'pg-boss-ky', baseline: pgBossKy, apiLatencyMs: 0, perSecond: { atLeast: 2 } }),
  drain({ against: 'pg-boss', baseline: pgBoss, apiLatencyMs: 0, perSecond: { atLeast: 1.2 } }),
  drain({ against: 'graphile-worker', baseline: graphileWorker, apiLatencyMs: 0 }),
  // A latency as real APIs have it; nothing is asked of these.
  ...[
    { against: 'groupmq', baseline: groupmq },
    { against: 'bee-queue', baseline: beeQueue },
    { against: 'pg-boss', baseline: pgBoss },
    { against: 'graphile-worker', baseline: graphileWorker },
  ].map((peer) => drain({ ...peer, apiLatencyMs: 20 })),
  drain({ against: 'no-queue', baseline: noQueue, apiLatencyMs: 0, storeProcessor: null }),
];
