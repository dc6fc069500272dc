import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import type { AgreedLimit, LimitName } from '../../shared/lanes/fleet/limits.ts';
import { isSameLimit, NO_LIMIT } from '../../shared/model/rate-limit.ts';

const TOLD = {
  rate: { variable: 'KITECHAT_RATE_LIMIT', flag: '--rate' },
  pageRate: { variable: 'KITECHAT_PAGE_RATE_LIMIT', flag: '--page-rate' },
} as const;

const limitNames = ['rate', 'pageRate'] as const;

/** Warns if the limit in force differs from this worker's variable; repeats the warning only when the limit in force changes. */
export function createLimitWarnings(
  asks: Record<LimitName, string>,
  logger: WorkerLogger,
): { compare(agreed: Record<LimitName, AgreedLimit>): void } {
  const warned: Partial<Record<LimitName, string>> = {};

  function compareOne(name: LimitName, { text, from }: AgreedLimit): void {
    const own = asks[name];
    // An operator's limit replaces the variables on purpose, so only a variable that is set can mislead.
    const isMeant = from === null || isSameLimit(text, own) || (from === 'run-time' && own === NO_LIMIT);
    const state = isMeant ? '' : `${from} ${text}`;
    if (state === (warned[name] ?? '')) return;
    warned[name] = state;
    if (isMeant) return;
    const { variable, flag } = TOLD[name];
    const message =
      from === 'run-time'
        ? `${variable} of this worker does not count: an operator has set another limit for the fleet; "kitechat-sender limits set ${flag} default" makes the variables count again`
        : `${variable} of this worker does not count: the fleet keeps the value of other workers until the last of them has stopped; set the variable to the same value everywhere, or set the limit with "kitechat-sender limits set ${flag} …"`;
    logger.warn({ variable, value: own, inForce: text }, message);
  }

  return {
    compare(agreed) {
      for (const name of limitNames) compareOne(name, agreed[name]);
    },
  };
}
