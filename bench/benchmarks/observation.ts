import { setTimeout as delay } from 'node:timers/promises';
import type { Contestant } from '../contestants/contestant.ts';
import { monotonicMs } from '../../test/support/api/monotonic-ms.ts';
import type { PlainApi, Tally } from '../stage/plain-api.ts';
import { processorTimeUs } from '../stage/processor-time.ts';

const LOOK_MS = 10;
const PATIENCE_MS = 60_000;

/** What was used up to a moment. */
export interface Observation extends Tally {
  atMs: number;
  workerUs: number;
  storeUs: number;
}

export interface Observed {
  contestant: Contestant;
  workers: readonly { pid: number }[];
  api: PlainApi;
}

/**
 * Looks as soon as so many messages have arrived. `meanwhile` is called at each look before.
 *
 * @throws if nothing arrives for a minute.
 */
export async function observeFrom(
  { contestant, workers, api }: Observed,
  least: number,
  meanwhile: (arrived: number) => Promise<void> | void = () => {},
): Promise<Observation> {
  let progress = { arrived: 0, atMs: monotonicMs() };
  for (;;) {
    const tally = await api.tally();
    if (tally.arrived > progress.arrived) progress = { arrived: tally.arrived, atMs: monotonicMs() };
    if (monotonicMs() - progress.atMs > PATIENCE_MS) {
      throw new Error(`${contestant.name} stands still: ${tally.arrived} of ${least} messages have arrived`);
    }
    if (tally.arrived >= least) {
      return {
        ...tally,
        atMs: monotonicMs(),
        workerUs: workers.reduce((sum, { pid }) => sum + processorTimeUs(pid), 0),
        storeUs: contestant.store.processorTimeUs(),
      };
    }
    await meanwhile(tally.arrived);
    await delay(LOOK_MS);
  }
}

/** The processor time per message and the pace between two moments. */
export function usedBetween(from: Observation, to: Observation) {
  const sent = to.arrived - from.arrived;
  return {
    workerUs: (to.workerUs - from.workerUs) / sent,
    storeUs: (to.storeUs - from.storeUs) / sent,
    perSecond: (sent * 1000) / (to.atMs - from.atMs),
  };
}
