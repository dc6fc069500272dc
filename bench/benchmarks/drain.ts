import type { Benchmark, Limit, Measurement } from '../benchmark.ts';
import type { Contestant, Enter } from '../contestants/contestant.ts';
import { kitechatSender } from '../contestants/ours.ts';
import type { PlainApi } from '../stage/plain-api.ts';
import { observeFrom, usedBetween } from './observation.ts';
import { pair } from './pair.ts';

const CONCURRENCY = 256;
const BYTES = 'bytes per waiting message';

export interface DrainOptions {
  /** Whom it is against, as a part of the benchmark's name. */
  against: string;
  baseline: Enter;
  subject?: Enter;
  apiLatencyMs: number;
  conversations?: number;
  messages?: number;
  /** Until so many have arrived, compilers and connections get warm. */
  warm?: number;
  /** How many are measured after that; the rest is thrown away. */
  measured?: number;
  workerProcessor?: Limit;
  perSecond?: Limit;
  /** `null`: there is no store to compare with. */
  storeProcessor?: Limit | null;
  /** Of one waiting message in the store. */
  bytes?: Limit;
}

/** One worker process sends what has piled up. */
export function drain(options: DrainOptions): Benchmark {
  const { against, baseline, apiLatencyMs, conversations = 1000, messages = 30_000 } = options;
  const { warm = Math.round(messages / 3), measured = messages - warm, subject = kitechatSender() } = options;
  const { workerProcessor = {}, perSecond = {}, storeProcessor = {}, bytes } = options;
  const spread = conversations === 1000 ? '' : `-${conversations}-conversations`;
  return {
    name: `drain-${against}${spread}-${apiLatencyMs}ms`,
    measures:
      `µs of processor time of one worker process of ${CONCURRENCY} per message, over ${measured} messages after the first ${warm} ` +
      `of ${messages} that wait, of 300 bytes in ${conversations} conversations, with an API latency of ${apiLatencyMs} ms.`,
    unit: 'µs',
    limit: workerProcessor,
    also: {
      'messages/s': perSecond,
      ...(storeProcessor !== null && { 'store µs': storeProcessor }),
      ...(bytes && { [BYTES]: bytes }),
    },
    prepare: async () =>
      await pair(
        { baseline, subject, apiLatencyMs, concurrency: CONCURRENCY },
        async (contestant, api) => await measureDrain(contestant, api, { conversations, messages, warm, measured }),
      ),
  };
}

interface Drained {
  conversations: number;
  messages: number;
  warm: number;
  measured: number;
}

async function measureDrain(
  contestant: Contestant,
  api: PlainApi,
  { conversations, messages, warm, measured }: Drained,
): Promise<Measurement> {
  const { store } = contestant;
  await store.empty();
  const emptyBytes = await store.storedBytes();
  await contestant.pileUp({ conversations, messages });
  const bytes = (await store.storedBytes()) - emptyBytes;
  await api.forget();
  await using worker = await contestant.startWorker();
  const observed = { contestant, workers: [worker], api };
  const from = await observeFrom(observed, warm);
  const to = await observeFrom(observed, warm + measured);
  if (contestant.keepsOrder && to.overlaps + to.disordered > 0) {
    throw new Error(`${contestant.name} broke its order: ${to.overlaps} overlaps, ${to.disordered} out of order`);
  }
  const { workerUs, perSecond, storeUs } = usedBetween(from, to);
  return {
    value: workerUs,
    details: {
      'messages/s': perSecond,
      'store µs': storeUs,
      [BYTES]: bytes / messages,
      overlaps: to.overlaps,
      'out of order': to.disordered,
    },
  };
}
