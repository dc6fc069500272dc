import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DeadLetterPayload } from '../../src/shared/model/dead-letter.ts';
import { cancel } from '../../src/shared/lanes/messages/cancel.ts';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import { hold, release } from '../../src/shared/lanes/holds/hold.ts';
import { reconcile } from '../../src/shared/lanes/repair/reconcile.ts';
import type { Settlement, Taken } from '../../src/shared/lanes/messages/turn.ts';
import { connectPatiently } from '../../src/shared/session/connect.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { delivered, type Lanes, openLanes } from '../support/lanes.ts';
import { startTestRedis } from '../support/redis.ts';

const letter: DeadLetterPayload = {
  v: 1,
  reason: 'rejected',
  request: null,
  enqueuedAt: '2026-11-22T10:00:00.000Z',
  attempts: [],
  attemptsUsed: 1,
  attemptsAllowed: 8,
  response: null,
  label: null,
  replayOf: null,
};
const dead: Settlement = { kind: 'dead', letter, holds: false };

/** What `lanes-model.test.ts` has found, shrunk. */
describe('the lanes, after what the model found', () => {
  let server: RedisServer;
  let redis: LaneRedis;
  let lanes: Lanes;
  let root: string;
  beforeAll(async () => {
    server = await startTestRedis();
    redis = connectPatiently(server.url);
  });
  beforeEach(async () => {
    lanes = await openLanes(redis);
    ({ root } = lanes.shard);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  const reason = 'operator';
  const pages = async (): Promise<string[]> => (await redis.smembers(`${root}pages`)).toSorted();
  const takeAll = async (): Promise<string[]> => (await lanes.turn()).taken.map(({ id }) => id);

  async function take(): Promise<Taken> {
    const taken = await lanes.take();
    if (!taken) throw new Error('no head is ready');
    return taken;
  }

  /** An operator's hand in some dashboard. */
  async function promote(id: string): Promise<void> {
    const send = `${root}send:`;
    await redis.multi().zrem(`${send}waiting-children`, id).lpush(`${send}wait`, id).exec();
  }

  async function withoutMemory<T>(act: () => Promise<T>): Promise<T> {
    await redis.config('SET', 'maxmemory', '1');
    try {
      return await act();
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
  }

  it('do not store a message once more whose add is repeated after it has died', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    await lanes.settle(await take(), dead);
    expect(await lanes.tryStore({ conversation: 'c1', id })).toEqual({ verdict: 'stored' });
    expect(await lanes.lane('c1')).toEqual([]);
    expect(await redis.exists(`${root}send:${id}`, `${root}send:waiting-children`)).toBe(0);
    expect(await redis.zrange(`${root}dead:failed`, 0, '-1')).toEqual([id]);
  });

  it('leave no dead letter when a settlement is repeated after the letter was replayed', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    const taken = await take();
    await lanes.settle(taken, dead);
    const replay = await lanes.store({ conversation: 'c1', replayOf: id });
    expect(await lanes.settle(taken, dead)).toEqual({ verdict: 'lost' });
    expect((await lanes.keys()).filter((key) => /^dead:|^letters/.test(key))).toEqual([]);
    expect(await takeAll()).toEqual([replay]);
  });

  it('end a message with its whole dead letter when Redis has no memory left', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    const next = await lanes.store({ conversation: 'c1' });
    const taken = await take();
    expect(await withoutMemory(() => lanes.settle(taken, dead))).toEqual({ verdict: 'done', delayMs: 0 });
    expect(await lanes.shard.dead.getJob(id)).toMatchObject({ data: letter, failedReason: 'rejected' });
    expect(await takeAll()).toEqual([next]);
  });

  it('end a message that its worker settles after Redis has forgotten all scripts', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    const taken = await take();
    await redis.script('FLUSH');
    expect(await lanes.settle(taken, dead)).toEqual({ verdict: 'done', delayMs: 0 });
    expect(await lanes.shard.dead.getJob(id)).toMatchObject({ name: 'rejected', data: letter });
  });

  it('know the place of a message that an operator put before its turn, so that its removal blocks nothing', async () => {
    await lanes.store({ conversation: 'c1' });
    const first = await take();
    const second = await lanes.store({ conversation: 'c1' });
    await promote(second);
    expect(await takeAll()).toEqual([]);
    await lanes.settle(first, delivered);
    const third = await lanes.store({ conversation: 'c1' });
    await promote(second);
    await lanes.shard.send.remove(second);
    expect(await reconcile(lanes.shard, '0')).toEqual({ cursor: '0', repairs: 1 });
    expect(await takeAll()).toEqual([third]);
  });

  it('send nothing that was cancelled, though an operator puts it forward then', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    expect(await cancel(lanes.shard, id)).toBe('cancelled');
    await redis.multi().zrem(`${root}send:completed`, id).lpush(`${root}send:wait`, id).exec();
    expect(await takeAll()).toEqual([]);
    expect(await lanes.shard.send.getJobCounts('wait', 'active', 'completed')).toEqual({
      wait: 0,
      active: 0,
      completed: 1,
    });
    expect(await redis.exists(`${root}dead:failed`)).toBe(0);
  });

  it('leave nothing of a conversation whose only message is cancelled before its turn', async () => {
    await lanes.rules({ window: 1 });
    await lanes.store({ conversation: 'c1' });
    await take();
    const waiting = await lanes.store({ conversation: 'c2' });
    expect(await cancel(lanes.shard, waiting)).toBe('cancelled');
    expect(Object.keys(await lanes.heads())).toEqual(['p1/c1']);
  });

  it('let a conversation go on in a new turn when its first message is cancelled before that one’s', async () => {
    await lanes.rules({ window: 1 });
    const first = await lanes.store({ conversation: 'c1' });
    const second = await lanes.store({ conversation: 'c1' });
    const other = await lanes.store({ conversation: 'c2' });
    await cancel(lanes.shard, first);
    const taken = await take();
    expect(taken.id).toBe(other);
    await lanes.settle(taken, delivered);
    expect(await takeAll()).toEqual([second]);
  });

  it('let pages go on of which nothing ran while everything was held', async () => {
    await hold(lanes.shard, { reason });
    const id = await lanes.store({ conversation: 'c1' });
    expect(await takeAll()).toEqual([]);
    expect(await pages()).toEqual([]);
    await release(lanes.shard, {});
    expect(await takeAll()).toEqual([id]);
    expect(await pages()).toEqual(['p1']);
  });

  it('let a page go on that was held alone, too, when everything is released last', async () => {
    await hold(lanes.shard, { reason });
    await hold(lanes.shard, { page: 'p1', reason });
    const id = await lanes.store({ conversation: 'c1' });
    expect(await takeAll()).toEqual([]);
    await release(lanes.shard, { page: 'p1' });
    expect(await takeAll()).toEqual([]);
    await release(lanes.shard, {});
    expect(await takeAll()).toEqual([id]);
  });

  it('give no share of the fleet to a page whose only conversation is held', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    await hold(lanes.shard, { page: 'p1', conversation: 'c1', reason });
    expect(await takeAll()).toEqual([]);
    expect(await pages()).toEqual([]);
    await release(lanes.shard, { page: 'p1', conversation: 'c1' });
    expect(await takeAll()).toEqual([id]);
  });

  it('give no share of the fleet to a page without messages when its hold ends', async () => {
    await hold(lanes.shard, { page: 'p1', reason });
    await release(lanes.shard, { page: 'p1' });
    expect(await pages()).toEqual([]);
  });

  it('give no share of the fleet for long to a page whose only message was removed while its conversation was held', async () => {
    await hold(lanes.shard, { page: 'p1', conversation: 'c1', reason });
    await lanes.shard.send.remove(await lanes.store({ conversation: 'c1' }));
    await release(lanes.shard, { page: 'p1', conversation: 'c1' });
    expect(await takeAll()).toEqual([]);
    expect([await pages(), await lanes.heads()]).toEqual([[], {}]);
  });

  it('keep a scheduled message out of its conversation that an operator takes before its time', async () => {
    const id = await lanes.store({ conversation: 'c1', due: { delayMs: 50_000 } });
    await promote(id);
    expect(await takeAll()).toEqual([]);
    expect(await lanes.lane('c1')).toEqual([]);
    expect(await reconcile(lanes.shard, '0')).toEqual({ cursor: '0', repairs: 0 });
    const [member = ''] = await redis.zrange(`${root}due`, 0, '-1');
    await redis.zadd(`${root}due`, 1, member);
    expect((await lanes.turn({ look: 'due' })).taken.map((taken) => taken.id)).toEqual([id]);
  });
});
