import type { Settings } from './settings.ts';
import type { EnqueueItem } from '../../src/producer/index.ts';
import { startNode, stdinStaysOpen } from './command-line.ts';
import { shiftedClock } from './shifted-clock.ts';

/** An app in a process whose wall clock is wrong. */
export interface ShiftedProducer {
  /** Stores messages in order. @returns their ids. */
  store(config: Settings, items: readonly EnqueueItem[]): Promise<string[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

const program = new URL('./shifted-producer-process.ts', import.meta.url).pathname;
/** Long, since several processes start at once. */
const START_MS = 60_000;

/** @param aheadMs the offset of the process's clock; negative if it is behind */
export async function startShiftedProducer(aheadMs: number): Promise<ShiftedProducer> {
  const running = startNode([program], shiftedClock({ aheadMs }), stdinStaysOpen);
  await running.lineWhere('stdout', (line) => line === 'ready', START_MS);
  let asked = 0;
  return {
    async store(config, items) {
      asked += 1;
      const nth = asked;
      running.write(`${JSON.stringify({ config, items })}\n`);
      await running.lineWhere('stdout', () => running.stdout.length > nth);
      return JSON.parse(running.stdout[nth] ?? '') as string[];
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}
