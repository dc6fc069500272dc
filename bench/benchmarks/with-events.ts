import type { Benchmark } from '../benchmark.ts';
import { kitechatSender } from '../contestants/ours.ts';
import { drain } from './drain.ts';

/** What does it cost a worker and Redis that another process is told how each message ended? */
export const withEvents: Benchmark = {
  ...drain({
    against: 'without',
    baseline: kitechatSender(),
    subject: kitechatSender({ name: 'with events', consumed: true }),
    apiLatencyMs: 0,
    workerProcessor: { atMost: 1.05 },
    storeProcessor: { atMost: 1.15 },
  }),
  name: 'with-events',
};
