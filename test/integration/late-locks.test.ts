import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import type { Taken } from '../../src/shared/lanes/messages/turn.ts';
import { connectPatiently } from '../../src/shared/session/connect.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { delivered, type Lanes, openLanes } from '../support/lanes.ts';
import { startTestRedis } from '../support/redis.ts';

/** As in `openLanes`. */
const LOCK_MS = 60_000;

describe('an attempt whose lock has ended', () => {
  let server: RedisServer;
  let redis: LaneRedis;
  let lanes: Lanes;
  let open: Taken;
  beforeAll(async () => {
    server = await startTestRedis();
    redis = connectPatiently(server.url);
  });
  beforeEach(async () => {
    lanes = await openLanes(redis);
    await lanes.store({ conversation: 'c1' });
    const taken = await lanes.take();
    if (!taken) throw new Error('a message is there');
    open = taken;
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  /** Its lock ends, and BullMQ's check notices. @param ago how long ago the leader has noted these times, in ms */
  async function stall(ago: { time?: number; backAt?: number }): Promise<void> {
    for (const [field, ms] of Object.entries(ago)) await redis.hset(`${lanes.shard.root}fleet`, field, Date.now() - ms);
    await lanes.stall(open);
  }

  it.each([
    ['Redis was away and nobody has looked since', { time: 20_000 }],
    ['the leader has just looked again after a gap', { time: 0, backAt: 1000 }],
  ])('is locked once more if %s: its worker may live, and knows more', async (_what, ago) => {
    await stall(ago);
    expect(await lanes.take()).toBeNull();
    const send = `${lanes.shard.root}send:`;
    expect(await redis.lrange(`${send}active`, 0, '-1')).toEqual([open.id]);
    expect(await redis.get(`${send}${open.id}:lock`)).toBe(open.attempt);
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
