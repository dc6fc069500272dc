import { describe, expect, it } from 'vitest';
import { cancelStored } from '../../src/shared/lanes/messages/cancel.ts';
import { hold, release } from '../../src/shared/lanes/holds/hold.ts';
import { reconcile } from '../../src/shared/lanes/repair/reconcile.ts';
import { dead, delivered, letter } from '../support/settlements.ts';
import { useLanes } from '../support/use-lanes.ts';
import { withoutMemory } from '../support/without-memory.ts';

/** What `lanes-model.test.ts` has found, shrunk. */
describe('the lanes, after what the model found', () => {
  const lanes = useLanes();

  const reason = 'operator';
  const pages = async (): Promise<string[]> => (await lanes.redis.smembers(`${lanes.shard.root}pages`)).toSorted();

  /** An operator's hand in some dashboard. */
  async function promote(id: string): Promise<void> {
    await lanes.redis.multi().zrem(`${lanes.sendRoot}waiting-children`, id).lpush(`${lanes.sendRoot}wait`, id).exec();
  }

  it('do not store a message once more whose add is repeated after it has died', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    await lanes.settle(await lanes.takeNext(), dead);
    expect(await lanes.tryStore({ conversation: 'c1', id })).toEqual({ verdict: 'stored' });
    expect(await lanes.lane('c1')).toEqual([]);
    expect(await lanes.redis.exists(`${lanes.sendRoot}${id}`, `${lanes.sendRoot}waiting-children`)).toBe(0);
    expect(await lanes.redis.zrange(`${lanes.shard.root}dead:failed`, 0, '-1')).toEqual([id]);
  });

  it('leave no dead letter when a settlement is repeated after the letter was replayed', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    const taken = await lanes.takeNext();
    await lanes.settle(taken, dead);
    const replay = await lanes.store({ conversation: 'c1', replayOf: id });
    expect(await lanes.settle(taken, dead)).toEqual({ verdict: 'lost' });
    expect((await lanes.keys()).filter((key) => /^dead:|^letters/.test(key))).toEqual([]);
    expect(await lanes.takeAll()).toEqual([replay]);
  });

  it('end a message with its whole dead letter when Redis has no memory left', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    const next = await lanes.store({ conversation: 'c1' });
    const taken = await lanes.takeNext();
    expect(await withoutMemory(lanes.redis, () => lanes.settle(taken, dead))).toEqual({ verdict: 'done', delayMs: 0 });
    expect(await lanes.queues.dead.getJob(id)).toMatchObject({ data: letter, failedReason: 'rejected' });
    expect(await lanes.takeAll()).toEqual([next]);
  });

  it('end a message that its worker settles after Redis has forgotten all scripts', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    const taken = await lanes.takeNext();
    await lanes.redis.script('FLUSH');
    expect(await lanes.settle(taken, dead)).toEqual({ verdict: 'done', delayMs: 0 });
    expect(await lanes.queues.dead.getJob(id)).toMatchObject({ name: 'rejected', data: letter });
  });

  it('know the place of a message that an operator put before its turn, so that its removal blocks nothing', async () => {
    await lanes.store({ conversation: 'c1' });
    const first = await lanes.takeNext();
    const second = await lanes.store({ conversation: 'c1' });
    await promote(second);
    expect(await lanes.takeAll()).toEqual([]);
    await lanes.settle(first, delivered);
    const third = await lanes.store({ conversation: 'c1' });
    await promote(second);
    await lanes.queues.send.remove(second);
    expect(await reconcile(lanes.shard, '0')).toEqual({ cursor: '0', repairs: 1 });
    expect(await lanes.takeAll()).toEqual([third]);
  });

  it('send nothing that was cancelled, though an operator puts it forward then', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    expect(await cancelStored(lanes.shard, id)).toBe('cancelled');
    await lanes.redis.multi().zrem(`${lanes.sendRoot}completed`, id).lpush(`${lanes.sendRoot}wait`, id).exec();
    expect(await lanes.takeAll()).toEqual([]);
    expect(await lanes.queues.send.getJobCounts('wait', 'active', 'completed')).toEqual({
      wait: 0,
      active: 0,
      completed: 1,
    });
    expect(await lanes.redis.exists(`${lanes.shard.root}dead:failed`)).toBe(0);
  });

  it('leave nothing of a conversation whose only message is cancelled before its turn', async () => {
    await lanes.rules({ window: 1 });
    await lanes.store({ conversation: 'c1' });
    await lanes.takeNext();
    const waiting = await lanes.store({ conversation: 'c2' });
    expect(await cancelStored(lanes.shard, waiting)).toBe('cancelled');
    expect(Object.keys(await lanes.heads())).toEqual(['p1/c1']);
  });

  it('let a conversation go on in a new turn when its first message is cancelled before that one’s', async () => {
    await lanes.rules({ window: 1 });
    const first = await lanes.store({ conversation: 'c1' });
    const second = await lanes.store({ conversation: 'c1' });
    const other = await lanes.store({ conversation: 'c2' });
    await cancelStored(lanes.shard, first);
    const taken = await lanes.takeNext();
    expect(taken.id).toBe(other);
    await lanes.settle(taken, delivered);
    expect(await lanes.takeAll()).toEqual([second]);
  });

  it('let pages go on of which nothing ran while everything was held', async () => {
    await hold(lanes.shard, { reason });
    const id = await lanes.store({ conversation: 'c1' });
    expect(await lanes.takeAll()).toEqual([]);
    expect(await pages()).toEqual([]);
    await release(lanes.shard, {});
    expect(await lanes.takeAll()).toEqual([id]);
    expect(await pages()).toEqual(['p1']);
  });

  it('let a page go on that was held alone, too, when everything is released last', async () => {
    await hold(lanes.shard, { reason });
    await hold(lanes.shard, { page: 'p1', reason });
    const id = await lanes.store({ conversation: 'c1' });
    expect(await lanes.takeAll()).toEqual([]);
    await release(lanes.shard, { page: 'p1' });
    expect(await lanes.takeAll()).toEqual([]);
    await release(lanes.shard, {});
    expect(await lanes.takeAll()).toEqual([id]);
  });

  it('give no share of the fleet to a page whose only conversation is held', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    await hold(lanes.shard, { page: 'p1', conversation: 'c1', reason });
    expect(await lanes.takeAll()).toEqual([]);
    expect(await pages()).toEqual([]);
    await release(lanes.shard, { page: 'p1', conversation: 'c1' });
    expect(await lanes.takeAll()).toEqual([id]);
  });

  it('give no share of the fleet to a page without messages when its hold ends', async () => {
    await hold(lanes.shard, { page: 'p1', reason });
    await release(lanes.shard, { page: 'p1' });
    expect(await pages()).toEqual([]);
  });

  it('give no share of the fleet for long to a page whose only message was removed while its conversation was held', async () => {
    await hold(lanes.shard, { page: 'p1', conversation: 'c1', reason });
    await lanes.queues.send.remove(await lanes.store({ conversation: 'c1' }));
    await release(lanes.shard, { page: 'p1', conversation: 'c1' });
    expect(await lanes.takeAll()).toEqual([]);
    expect([await pages(), await lanes.heads()]).toEqual([[], {}]);
  });

  it('keep a scheduled message out of its conversation that an operator takes before its time', async () => {
    const id = await lanes.store({ conversation: 'c1', due: { delayMs: 50_000 } });
    await promote(id);
    expect(await lanes.takeAll()).toEqual([]);
    expect(await lanes.lane('c1')).toEqual([]);
    expect(await reconcile(lanes.shard, '0')).toEqual({ cursor: '0', repairs: 0 });
    const [member = ''] = await lanes.redis.zrange(`${lanes.shard.root}due`, 0, '-1');
    // Its time comes.
    await lanes.redis.hset(`${lanes.sendRoot}${id}`, 'due', 1);
    await lanes.redis.zadd(`${lanes.shard.root}due`, 1, member);
    expect(await lanes.takeAll({ look: 'due' })).toEqual([id]);
  });

  it('give a message no higher priority than it has because it could not leave as a probe', async () => {
    const normal = await lanes.store({ conversation: 'c1' });
    await hold(lanes.shard, { page: 'p1', reason });
    expect(await lanes.takeAll({ isProbe: true, places: 1 })).toEqual([]);
    const high = await lanes.store({ conversation: 'c2', priority: 'high' });
    await release(lanes.shard, { page: 'p1' });
    expect(await lanes.takeAll()).toEqual([high, normal]);
  });

  it('forget a page whose only message lacks its key, and which is held meanwhile, until it comes back', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    const taken = await lanes.takeNext();
    await hold(lanes.shard, { reason });
    await lanes.settle(taken, { kind: 'keyless', delayMs: 0 });
    expect(await lanes.takeAll()).toEqual([]);
    const { root } = lanes.shard;
    expect(await lanes.redis.exists(`${root}pages`, `${root}asleep`)).toBe(0);
    await release(lanes.shard, {});
    await lanes.turn({ places: 1, look: 'due' });
    expect(await lanes.redis.hget(`${lanes.sendRoot}${id}`, 'place')).toBe('sending');
  });
});
