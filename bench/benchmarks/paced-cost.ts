import type { Benchmark } from '../benchmark.ts';
import { byHandLimited } from '../contestants/by-hand.ts';
import type { Enter } from '../contestants/contestant.ts';
import { kitechatSender } from '../contestants/ours.ts';
import { API_LATENCY_MS, CONCURRENCY, WORKERS } from './fleet-side.ts';
import { contestOf } from './pair.ts';
import { CONVERSATIONS, openPacedSide } from './paced-side.ts';

const MESSAGES = 1000;
const PER_SECOND = 50;

const paced = kitechatSender({ env: { KITECHAT_RATE_LIMIT: `${PER_SECOND}/s` } });

const MEASURES =
  `µs of processor time of Redis per message, over the middle 80% of ${MESSAGES} messages that wait in ${CONVERSATIONS} conversations ` +
  `of 10 pages, with a limit of ${PER_SECOND} messages per second; ${WORKERS} worker processes of ${CONCURRENCY}, API latency ` +
  `${API_LATENCY_MS} ms. Worker µs are those of all workers together; commands include those that scripts call.`;

/** What does a limit cost that makes messages wait? */
export const pacedCosts: readonly Benchmark[] = [
  {
    name: 'paced-cost',
    measures: `${MEASURES} Against the same without a limit, with everything held until all is stored.`,
    unit: 'µs',
    limit: { atMost: 2 },
    also: { 'worker µs': { atMost: 3 }, 'commands per message': {} },
    prepare: async () => await prepare({ baseline: kitechatSender({ name: 'without a limit' }), held: true }),
  },
  {
    name: 'paced-cost-bullmq',
    measures:
      `${MEASURES} Against BullMQ by hand with its own limiter, { max: ${PER_SECOND}, duration: 1000 }, which sends ` +
      `the ${PER_SECOND} messages of a second at its start.`,
    unit: 'µs',
    limit: { atMost: 1 },
    also: { 'worker µs': { atMost: 1 }, 'commands per message': { atMost: 1 } },
    marks: { 'commands per message': { atMost: 20 } },
    prepare: async () => await prepare({ baseline: byHandLimited, held: false }),
  },
];

async function prepare({ baseline, held }: { baseline: Enter; held: boolean }) {
  const value = 'store µs';
  return await contestOf(
    async () => await openPacedSide({ enter: baseline, messages: MESSAGES, value, held }),
    async () => await openPacedSide({ enter: paced, messages: MESSAGES, value }),
  );
}
