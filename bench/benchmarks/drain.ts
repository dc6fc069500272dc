import { setTimeout as delay } from 'node:timers/promises';
import type { SendRequest } from '../../src/shared/message.ts';
import type { Benchmark, Limit, Measurement, Side } from '../benchmark.ts';
import { byHand } from '../peers/by-hand.ts';
import type { Contestant, Enter } from '../peers/contestant.ts';
import { kitechatSender } from '../peers/ours.ts';
import { type PlainApi, startPlainApi } from '../stage/plain-api.ts';
import { processorTimeUs } from '../stage/processor-time.ts';

const CONCURRENCY = 256;
const CONVERSATIONS = 1000;
const EACH = 30;
const MESSAGES = CONVERSATIONS * EACH;
/** Until then compilers and connections get warm. */
const WARM = MESSAGES / 3;
const LOOK_MS = 10;

interface Opponent {
  name: string;
  enter: Enter;
  workerProcessor: Limit;
  perSecond: Limit;
  storeProcessor: Limit;
}

const opponents: readonly Opponent[] = [
  {
    name: 'bullmq-ky',
    enter: async (options) => await byHand('ky', options),
    workerProcessor: { atMost: 0.5 },
    perSecond: { atLeast: 1.6 },
    storeProcessor: { atMost: 1.6 },
  },
  {
    name: 'bullmq-undici',
    enter: async (options) => await byHand('undici', options),
    workerProcessor: { atMost: 1.35 },
    perSecond: {},
    storeProcessor: { atMost: 1.6 },
  },
];

/** One worker process sends what has piled up, against what a team writes by hand. */
export const drains: readonly Benchmark[] = opponents.flatMap((opponent) => [drain(opponent, 0), drain(opponent, 20)]);

function drain({ name, enter, workerProcessor, perSecond, storeProcessor }: Opponent, latencyMs: number): Benchmark {
  return {
    name: `drain-${name}-${latencyMs}ms`,
    measures:
      `µs of processor time of one worker process of ${CONCURRENCY} per message, over the last two thirds of ${MESSAGES} messages ` +
      `of 300 bytes in ${CONVERSATIONS} conversations, with an API latency of ${latencyMs} ms. Against ${name}, which keeps no order.`,
    unit: 'µs',
    limit: workerProcessor,
    also: { 'messages/s': perSecond, 'store µs': storeProcessor },
    async prepare() {
      await using stack = new AsyncDisposableStack();
      const api = stack.use(await startPlainApi(latencyMs));
      const side = async (enterAs: Enter): Promise<Side> => {
        const contestant = stack.use(await enterAs({ apiUrl: api.url, concurrency: CONCURRENCY }));
        return { name: contestant.name, measure: () => measureDrain(contestant, api) };
      };
      const baseline = await side(enter);
      const subject = await side(kitechatSender);
      const owned = stack.move();
      return { baseline, subject, [Symbol.asyncDispose]: () => owned.disposeAsync() };
    },
  };
}

async function measureDrain(contestant: Contestant, api: PlainApi): Promise<Measurement> {
  const emptyBytes = await contestant.storedBytes();
  await contestant.fill(requests());
  const bytes = (await contestant.storedBytes()) - emptyBytes;
  await api.forget();
  await using worker = await contestant.startWorker();
  const look = async (least: number) => {
    for (;;) {
      const tally = await api.tally();
      if (tally.arrived >= least) {
        return {
          ...tally,
          atMs: performance.now(),
          workerUs: processorTimeUs(worker.pid),
          storeUs: processorTimeUs(contestant.storePid),
        };
      }
      await delay(LOOK_MS);
    }
  };
  const from = await look(WARM);
  const to = await look(MESSAGES);
  const sent = to.arrived - from.arrived;
  return {
    value: (to.workerUs - from.workerUs) / sent,
    details: {
      'messages/s': (sent * 1000) / (to.atMs - from.atMs),
      'store µs': (to.storeUs - from.storeUs) / sent,
      'bytes per waiting message': bytes / MESSAGES,
      overlaps: to.overlaps,
    },
  };
}

/** 300 bytes each, as JSON. */
function requests(): SendRequest[] {
  return Array.from({ length: MESSAGES }, (_, index) => {
    const request = { pageId: `page-${index % 10}`, conversationId: `conversation-${index % CONVERSATIONS}` };
    const message = { type: 'text' as const, text: '' };
    message.text = 'x'.repeat(300 - JSON.stringify({ ...request, message }).length);
    return { ...request, message };
  });
}
