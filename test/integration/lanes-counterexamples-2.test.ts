import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cancel } from '../../src/shared/lanes/cancel.ts';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import { releaseDue } from '../../src/shared/lanes/due.ts';
import { enqueue } from '../../src/shared/lanes/enqueue.ts';
import { hold, release } from '../../src/shared/lanes/hold.ts';
import { reconcile } from '../../src/shared/lanes/reconcile.ts';
import { connectPatiently } from '../../src/shared/redis.ts';
import type { RedisServer } from '../../src/testing/redis-handle.ts';
import { type Lanes, openLanes, type Taken } from '../support/lanes.ts';
import { startTestRedis } from '../support/redis.ts';

/** What `lanes-model.test.ts` has found of holds, schedules and cancelling, shrunk. */
describe('the lanes, after what the model found of those that wait', () => {
  let server: RedisServer;
  let redis: LaneRedis;
  let lanes: Lanes;
  beforeAll(async () => {
    server = await startTestRedis();
    redis = connectPatiently(server.url);
  });
  beforeEach(async () => {
    lanes = await openLanes(redis);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  const reason = 'operator';
  const pages = async (): Promise<string[]> => (await redis.smembers(`${lanes.shard.root}pages`)).toSorted();
  const ready = async (): Promise<string[]> => await redis.lrange(`${lanes.shard.root}ready:p1`, 0, -1);

  async function take(): Promise<Taken> {
    const taken = await lanes.take();
    if (!taken) throw new Error('nothing is released');
    return taken;
  }

  /** An operator's hand in some dashboard. */
  async function promote(id: string): Promise<void> {
    const send = `${lanes.shard.root}send:`;
    await redis.multi().zrem(`${send}waiting-children`, id).lpush(`${send}wait`, id).exec();
  }

  async function schedule(id: string): Promise<void> {
    const request = { pageId: 'p1', conversationId: 'c1', message: { type: 'text' as const, text: 'hello' } };
    await enqueue(lanes.shard, {
      id,
      payload: { v: 1, request },
      ttlMs: 60_000,
      maxQueued: 100,
      due: { delayMs: 60_000 },
      idempotency: undefined,
    });
  }

  it('leave nothing of a conversation whose only message is cancelled before its turn', async () => {
    await lanes.limitWindow(1);
    await lanes.store({ conversation: 'c1' });
    const waiting = await lanes.store({ conversation: 'c2' });
    expect(await cancel(lanes.shard, waiting)).toBe('cancelled');
    expect(await ready()).toEqual([]);
  });

  it('give a conversation one turn when its first message is cancelled before that', async () => {
    await lanes.limitWindow(1);
    await lanes.store({ conversation: 'c1' });
    const first = await lanes.store({ conversation: 'c2' });
    await lanes.store({ conversation: 'c2' });
    await lanes.store({ conversation: 'c3' });
    await cancel(lanes.shard, first);
    expect(await ready()).toEqual(['p1/c3', 'p1/c2']);
  });

  it('let pages go on of which nothing ran while everything was held', async () => {
    await hold(lanes.shard, { reason });
    const id = await lanes.store({ conversation: 'c1' });
    expect(await pages()).toEqual([]);
    await release(lanes.shard, {});
    expect(await lanes.released()).toEqual([id]);
    expect(await pages()).toEqual(['p1']);
  });

  it('let a page go on that was held alone, too, when everything is released last', async () => {
    await hold(lanes.shard, { reason });
    await hold(lanes.shard, { page: 'p1', reason });
    const id = await lanes.store({ conversation: 'c1' });
    await release(lanes.shard, { page: 'p1' });
    expect(await lanes.released()).toEqual([]);
    await release(lanes.shard, {});
    expect(await lanes.released()).toEqual([id]);
  });

  it('give no share of the fleet to a page whose only conversation is held', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    await hold(lanes.shard, { page: 'p1', conversation: 'c1', reason });
    expect(await lanes.claim(await take())).toEqual({ verdict: 'parked' });
    expect(await pages()).toEqual([]);
    await release(lanes.shard, { page: 'p1', conversation: 'c1' });
    expect(await lanes.released()).toEqual([id]);
  });

  it('give no share of the fleet to a page without messages when its hold ends', async () => {
    await hold(lanes.shard, { page: 'p1', reason });
    await release(lanes.shard, { page: 'p1' });
    expect(await pages()).toEqual([]);
  });

  it('give no share of the fleet to a page whose only message was removed while its conversation was held', async () => {
    await hold(lanes.shard, { page: 'p1', conversation: 'c1', reason });
    await lanes.shard.send.remove(await lanes.store({ conversation: 'c1' }));
    await release(lanes.shard, { page: 'p1', conversation: 'c1' });
    expect(await pages()).toEqual([]);
  });

  it('keep a scheduled message out of its conversation that an operator takes before its time', async () => {
    await schedule('0-scheduled');
    await promote('0-scheduled');
    expect(await lanes.claim(await take())).toEqual({ verdict: 'parked' });
    expect(await lanes.lane('c1')).toEqual([]);
    expect(await reconcile(lanes.shard, '0')).toEqual({ cursor: '0', repairs: 0 });
    await redis.zadd(`${lanes.shard.root}due`, 1, '0-scheduled');
    await releaseDue(lanes.shard);
    expect(await lanes.lane('c1')).toEqual(['0-scheduled']);
  });
});
