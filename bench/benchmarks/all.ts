import type { Benchmark } from '../benchmark.ts';
import { behindBacklog } from './behind-backlog.ts';
import { lettersMemory, replayRate } from './dead-letters.ts';
import { coldStart } from './cold-start.ts';
import { deepConversation } from './deep-conversation.ts';
import { drains } from './drains.ts';
import { endurance } from './endurance.ts';
import { enqueuing } from './enqueue.ts';
import { growths } from './growth.ts';
import { idleCost } from './idle-cost.ts';
import { latencies } from './latency.ts';
import { ledgerStories } from './ledger-story.ts';
import { observed } from './observed.ts';
import { pacedCosts } from './paced-cost.ts';
import { pacedExactness } from './paced-exactness.ts';
import { pageAlone } from './page-alone.ts';
import { withEncryption } from './with-encryption.ts';
import { withEvents } from './with-events.ts';
import { withLimits } from './with-limits.ts';

export const benchmarks: readonly Benchmark[] = [
  ...drains,
  withLimits,
  withEncryption,
  withEvents,
  ...pacedCosts,
  ...pacedExactness,
  idleCost,
  ...enqueuing,
  coldStart,
  ...latencies,
  deepConversation,
  ...growths,
  endurance,
  behindBacklog('burst'),
  behindBacklog('paced'),
  pageAlone,
  observed,
  lettersMemory,
  replayRate,
  ...ledgerStories,
];
