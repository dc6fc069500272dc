import { beforeEach, describe, expect, it } from 'vitest';
import type { Taken } from '../../src/shared/lanes/messages/settle-and-take.ts';
import { delivered } from '../support/settlements.ts';
import { useLanes } from '../support/use-lanes.ts';

/** As in `openLanes`. */
const LOCK_MS = 60_000;

describe('an attempt whose lock has ended', () => {
  const lanes = useLanes();
  let open: Taken;
  beforeEach(async () => {
    await lanes.store({ conversation: 'c1' });
    open = await lanes.takeNext();
  });

  /** Its lock ends, and BullMQ's check notices. @param ago how long ago the leader has noted these times, in ms */
  async function stall(ago: { time?: number; backAt?: number }): Promise<void> {
    for (const [field, ms] of Object.entries(ago)) {
      await lanes.redis.hset(`${lanes.shard.root}fleet`, field, Date.now() - ms);
    }
    await lanes.stall(open);
  }

  it.each([
    ['Redis was away and nobody has looked since', { time: 20_000 }],
    ['the leader has just looked again after a gap', { time: 0, backAt: 1000 }],
  ])('is locked once more if %s: its worker may live, and knows more', async (_what, ago) => {
    await stall(ago);
    expect(await lanes.take()).toBeNull();
    expect(await lanes.redis.lrange(`${lanes.sendRoot}active`, 0, '-1')).toEqual([open.id]);
    expect(await lanes.redis.get(`${lanes.sendRoot}${open.id}:lock`)).toBe(open.attempt);
    expect(await lanes.settle(open, delivered)).toEqual({ verdict: 'done', delayMs: 0 });
  });

  it.each([
    ['nobody has ever led the shard', {}],
    ['the leader looks as it should', { time: 1000 }],
    ['the gap is over for longer than a lock', { time: 0, backAt: LOCK_MS + 1000 }],
    ['the clock has stepped back since the gap', { time: 0, backAt: -1000 }],
  ])('is unknown if %s', async (_what, ago) => {
    await stall(ago);
    expect(await lanes.take()).toMatchObject({ verdict: 'unknown', attempt: open.attempt });
  });
});
