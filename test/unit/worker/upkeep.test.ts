import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Shard } from '../../../src/shared/lanes/shard.ts';
import { createEngineErrors } from '../../../src/worker/fleet/engine-errors.ts';
import { createMarks } from '../../../src/worker/fleet/marks.ts';
import { createUpkeep, type Upkeep } from '../../../src/worker/fleet/upkeep.ts';
import { readableLogger } from './log-lines.ts';

const FOLLOWS = ['0', '0', 'timeline', 1, 1, ''];
const LEADS = ['1', ...FOLLOWS.slice(1)];

describe('the upkeep of a worker that has left', () => {
  let beats: { record: unknown; answer(reply: unknown): void }[];
  let ticks: ((reply: unknown) => void)[];
  let upkeep: Upkeep;
  let shard: Shard;
  beforeEach(async () => {
    vi.useFakeTimers();
    [beats, ticks] = [[], []];
    const redis = {
      laneBeat: async (...args: unknown[]) => {
        const { promise, resolve } = Promise.withResolvers<unknown>();
        beats.push({ record: args[4], answer: resolve });
        return await promise;
      },
      laneTick: async () => {
        const { promise, resolve } = Promise.withResolvers<unknown>();
        ticks.push(resolve);
        return await promise;
      },
    };
    shard = { index: 0, root: '{n:0}:', namespace: 'n', redis } as unknown as Shard;
    const { logger } = readableLogger();
    const nothing = async (): Promise<void> => await Promise.resolve();
    upkeep = createUpkeep({
      shards: [shard],
      workerId: 'worker',
      describe: () => ({ version: '1.0.0', since: '', concurrency: 1, sending: 0 }),
      window: 0,
      limits: {
        start: nothing,
        beat: nothing,
        tick: nothing,
        stop: nothing,
        inForce: () => ({ rate: null, pageRate: null }),
      },
      marks: createMarks([shard], null),
      holdsSuspected: false,
      progress: { ticked: () => {}, openIn: () => 0 },
      places: { of: () => 1, adjust: () => false },
      isFull: () => false,
      mayTake: () => true,
      traffic: { write: nothing },
      keepDoneMs: 1,
      keepEvents: 100,
      keepDone: 1,
      keepDeadMs: 1,
      lockMs: 1,
      errors: createEngineErrors({ logger, noted: () => {} }),
      logger,
    });
    const starting = upkeep.start();
    await vi.waitFor(() => expect(beats).toHaveLength(1));
    beats[0]?.answer(FOLLOWS);
    await starting;
  });
  afterEach(() => void vi.useRealTimers());

  it('does not begin to lead when a report that it made before is answered late', async () => {
    upkeep.lookAt(shard);
    const stopping = upkeep.stop();
    for (const { answer } of beats) answer(LEADS);
    await stopping;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ticks).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not report the worker again when a tick that it made before is answered late', async () => {
    upkeep.lookAt(shard);
    beats.at(-1)?.answer(LEADS);
    await vi.advanceTimersByTimeAsync(2000);
    expect(ticks).toHaveLength(1);
    const stopping = upkeep.stop();
    beats.at(-1)?.answer(FOLLOWS);
    await stopping;
    ticks[0]?.('elsewhere');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(beats.at(-1)?.record).toBe('');
  });
});
