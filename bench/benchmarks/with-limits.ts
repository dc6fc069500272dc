import type { Benchmark } from '../benchmark.ts';
import { kitechatSender } from '../contestants/ours.ts';
import { drain } from './drain.ts';

/** So high that no message ever waits for it. */
const NEVER_REACHED = '100000/s burst 100000';

const limited = kitechatSender({
  name: 'with limits and a hold',
  env: { KITECHAT_RATE_LIMIT: NEVER_REACHED, KITECHAT_PAGE_RATE_LIMIT: NEVER_REACHED },
  heldPage: 'another-page',
});

/** What do limits cost that are set, and a hold of another page? */
export const withLimits: Benchmark = {
  ...drain({ against: 'without', baseline: kitechatSender(), subject: limited, apiLatencyMs: 0 }),
  name: 'with-limits',
};
