import type { SettleResult } from '../../src/shared/lanes/messages/settle-and-take.ts';
import { createTurns, type Turns, type TurnsDeps } from '../../src/worker/bullmq/settle-and-take.ts';
import { createEngineErrors } from '../../src/worker/fleet/engine-errors.ts';
import type { Leave } from '../../src/worker/fleet/fleet-view.ts';
import type { TakenHere } from '../../src/worker/message/attempt.ts';
import { readableLogger } from '../unit/worker/log-lines.ts';
import type { Lanes } from './lanes.ts';
import { ended } from './settlements.ts';

/** The calls of a worker to a shard, driven step by step. */
export interface TestWorker extends Turns {
  lines: string[];
  /** The view of the fleet, and the number of probes that were given up. */
  fleet: { leave: Leave; probe: Leave; givenUp: number };
  takeAll(count: number): Promise<TakenHere[]>;
  deliver(taken: TakenHere, wantsNext?: boolean): Promise<{ result: SettleResult; next: TakenHere | undefined }>;
}

export function joinShard({ shard }: Pick<Lanes, 'shard'>, more: Partial<TurnsDeps> = {}): TestWorker {
  const { logger, lines } = readableLogger();
  const fleet: TestWorker['fleet'] = { leave: 'go', probe: 'probe', givenUp: 0 };
  const turns = createTurns({
    shard,
    lockMs: 20_000,
    name: 'worker',
    places: () => 100,
    leave: () => fleet.leave,
    askToProbe: () => Promise.resolve(fleet.probe),
    whereabouts: { position: () => '', saw: () => {} },
    giveUpProbe: () => Promise.resolve(void (fleet.givenUp += 1)),
    errors: createEngineErrors({ logger, noted: () => {} }),
    logger,
    ...more,
  });
  return {
    ...turns,
    lines,
    fleet,
    async takeAll(count) {
      const taken = await Promise.all(Array.from({ length: count }, () => turns.take()));
      return taken.filter((one) => one !== undefined);
    },
    deliver: async (taken, wantsNext = false) => await turns.settle(ended(taken), wantsNext),
  };
}

/** Stores messages that are all heads, each in its own conversation. */
export async function storeHeads(lanes: Lanes, count: number): Promise<string[]> {
  return await lanes.storeInto(Array.from({ length: count }, (_, n) => `c${n}`));
}
