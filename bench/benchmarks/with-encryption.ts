import type { Benchmark } from '../benchmark.ts';
import { kitechatSender } from '../contestants/ours.ts';
import { drain } from './drain.ts';

/** What does it cost a worker and the store that messages are encrypted? */
export const withEncryption: Benchmark = {
  ...drain({
    against: 'without',
    baseline: kitechatSender(),
    subject: kitechatSender({ name: 'with encryption', encrypted: true }),
    apiLatencyMs: 0,
  }),
  name: 'with-encryption',
};
