import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cancel } from '../../src/shared/lanes/cancel.ts';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import { reconcile } from '../../src/shared/lanes/reconcile.ts';
import { connectPatiently } from '../../src/shared/redis.ts';
import type { RedisServer } from '../../src/testing/redis-handle.ts';
import { buryFailed } from '../../src/worker/bury-lost.ts';
import { delivered, type Lanes, openLanes, type Taken } from '../support/lanes.ts';
import { BURY, LETTER } from '../support/lanes-model/worker-steps.ts';
import { startTestRedis } from '../support/redis.ts';

/** What `lanes-model.test.ts` has found, shrunk. */
describe('the lanes, after what the model found', () => {
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

  /** Takes and claims the next job. */
  async function start(attempt: string): Promise<Taken> {
    const taken = await lanes.take();
    if (!taken) throw new Error('nothing is released');
    expect(await lanes.claim(taken, attempt)).toMatchObject({ verdict: 'go' });
    return taken;
  }

  /** BullMQ fails a job by itself. */
  async function fail({ id }: Taken): Promise<void> {
    const send = `${lanes.shard.root}send:`;
    await redis.multi().lrem(`${send}active`, 1, id).del(`${send}${id}:lock`).zadd(`${send}failed`, 1, id).exec();
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
    const taken = await start('a');
    await lanes.settle(taken, 'a', { kind: 'dead', letter: LETTER });
    await lanes.finish(taken);
    expect(await lanes.tryStore({ conversation: 'c1', id })).toEqual({ verdict: 'stored' });
    expect(await lanes.lane('c1')).toEqual([]);
    expect(await redis.zcard(`${lanes.shard.root}send:waiting-children`)).toBe(0);
    expect(await redis.zrange(`${lanes.shard.root}dead:failed`, 0, '-1')).toEqual([id]);
  });

  it('end no message whose dead letter was not added because Redis had forgotten the script for it', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    await lanes.store({ conversation: 'c2' });
    const taken = await start('a');
    await redis.script('FLUSH');
    // Redis knows our settlement again, but not BullMQ's add.
    await lanes.settle(await start('b'), 'b', { kind: 'backoff', delayMs: 0 });
    expect(await lanes.settle(taken, 'a', { kind: 'dead', letter: LETTER })).toEqual({ verdict: 'done', delayMs: 0 });
    expect(await lanes.shard.dead.getJob(id)).toMatchObject({
      name: 'rejected',
      data: LETTER,
      failedReason: 'rejected',
    });
  });

  it('leave no hidden dead letter when a settlement is repeated after the first letter was replayed', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    const taken = await start('a');
    await lanes.settle(taken, 'a', { kind: 'dead', letter: LETTER });
    const replay = await lanes.store({ conversation: 'c1', replayOf: id });
    expect(await lanes.settle(taken, 'a', { kind: 'dead', letter: LETTER })).toEqual({ verdict: 'done', delayMs: 0 });
    expect((await lanes.keys()).filter((key) => key.startsWith('dead:'))).toEqual([]);
    expect(await lanes.released()).toEqual([replay]);
  });

  it('know the place of a head that an operator put before its turn, so that its removal blocks nothing', async () => {
    const first = await start(await lanes.store({ conversation: 'c1' }));
    const second = await lanes.store({ conversation: 'c1' });
    const send = `${lanes.shard.root}send:`;
    await redis.multi().zrem(`${send}waiting-children`, second).lpush(`${send}wait`, second).exec();
    await lanes.settle(first, first.id, delivered);
    expect(await lanes.window()).toEqual([second]);
    const third = await lanes.store({ conversation: 'c1' });
    await lanes.shard.send.remove(second);
    expect(await reconcile(lanes.shard, '0')).toEqual({ cursor: '0', repairs: 1 });
    expect(await lanes.released()).toEqual([third]);
  });

  it('put a message that BullMQ failed after it was cancelled with those that have ended', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    const taken = await lanes.take();
    expect(await cancel(lanes.shard, id)).toBe('cancelled');
    if (taken) await fail(taken);
    expect(await buryFailed(lanes.shard, BURY)).toBe(0);
    expect(await lanes.shard.send.getJobCounts('failed', 'completed')).toEqual({ failed: 0, completed: 1 });
    expect(await redis.exists(`${lanes.shard.root}dead:failed`)).toBe(0);
  });

  it('end a message with its whole dead letter or not at all when Redis has no memory left', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    const taken = await start('a');
    await expect(withoutMemory(() => lanes.settle(taken, 'a', { kind: 'dead', letter: LETTER }))).rejects.toThrow(
      'OOM',
    );
    expect(await lanes.lane('c1')).toEqual([id]);
    expect(await lanes.settle(taken, 'a', { kind: 'dead', letter: LETTER })).toEqual({ verdict: 'done', delayMs: 0 });
    expect(await lanes.shard.dead.getJob(id)).toMatchObject({ data: LETTER, failedReason: 'rejected' });
  });

  it('bury a message with its whole dead letter or not at all when Redis has no memory left', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    await fail(await start('a'));
    await expect(withoutMemory(() => buryFailed(lanes.shard, BURY))).rejects.toThrow('OOM');
    expect(await lanes.lane('c1')).toEqual([id]);
    expect(await buryFailed(lanes.shard, BURY)).toBe(1);
    expect(await lanes.shard.dead.getJob(id)).toMatchObject({ data: { reason: 'crashed' }, failedReason: 'crashed' });
  });

  it('bury no message whose dead letter was not added because Redis had forgotten the script for it', async () => {
    // A connection's first burial goes out in full, so Redis knows it after a flush, but not BullMQ's add.
    const fresh = connectPatiently(server.url);
    lanes = await openLanes(fresh);
    const id = await lanes.store({ conversation: 'c1' });
    await fail(await start('a'));
    await fresh.script('FLUSH');
    expect(await buryFailed(lanes.shard, BURY)).toBe(1);
    expect(await lanes.shard.dead.getJob(id)).toMatchObject({ data: { reason: 'crashed' }, failedReason: 'crashed' });
    fresh.disconnect();
  });
});
