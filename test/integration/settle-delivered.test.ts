import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import { jobKeys, openShard } from '../../src/shared/queues.ts';
import { connectPatiently } from '../../src/shared/redis.ts';
import { readTimeMs } from '../../src/shared/redis-time.ts';
import type { RedisServer } from '../../src/testing/redis-handle.ts';
import { eventually } from '../support/eventually.ts';
import { type Lanes, openLanes, type Taken } from '../support/lanes.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { install } from '../support/worker.ts';
import { keysOf } from '../support/keys-of.ts';

const MOST_KEPT = 1000;
const KEEP_MS = 60_000;

describe('a message that was delivered', () => {
  let server: RedisServer;
  let redis: LaneRedis;
  let lanes: Lanes;
  let send: string;
  beforeAll(async () => {
    server = await startTestRedis();
    redis = connectPatiently(server.url);
  });
  beforeEach(async () => {
    lanes = await openLanes(redis);
    send = `${lanes.shard.root}send:`;
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  /** Stores a message of its own conversation, and claims it. */
  async function start(conversation: string): Promise<Taken> {
    await lanes.store({ conversation });
    const taken = await lanes.take();
    if (!taken) throw new Error('nothing is released');
    expect(await lanes.claim(taken, taken.id)).toMatchObject({ verdict: 'go' });
    return taken;
  }

  async function deliver(conversation: string): Promise<string> {
    const taken = await start(conversation);
    expect(await settle(taken)).toEqual({ verdict: 'done', delayMs: 0 });
    return taken.id;
  }

  const settle = (taken: Taken) => lanes.settle(taken, taken.id, { kind: 'delivered', keepMs: KEEP_MS });
  const completed = () => redis.zrange(`${send}completed`, 0, '-1');

  /** Records of what was delivered before, each a ms after the one before it. */
  async function keepOlder(count: number, firstAgeMs: number): Promise<string[]> {
    const first = (await nowMs()) - firstAgeMs;
    const ids = Array.from({ length: count }, (_, n) => `old-${n}`);
    const pipeline = redis.pipeline();
    for (const [n, id] of ids.entries()) {
      pipeline.zadd(`${send}completed`, first + n, id);
      pipeline.hset(`${send}${id}`, 'settled', 'delivered');
      pipeline.rpush(`${send}${id}:logs`, 'of some dashboard');
    }
    await pipeline.exec();
    return ids;
  }

  const nowMs = async (): Promise<number> => await readTimeMs(redis, send);

  const isKnown = async (id: string): Promise<boolean> => (await redis.exists(`${send}${id}`, `${send}${id}:logs`)) > 0;

  it('is completed for BullMQ in the same step: in none of its other hands, and without a lock', async () => {
    const taken = await start('c1');
    expect(await redis.lrange(`${send}active`, 0, -1)).toEqual([taken.id]);
    const before = await nowMs();
    await settle(taken);
    expect(await redis.exists(`${send}active`, `${send}wait`, jobKeys(lanes.shard, taken.id).lock)).toBe(0);
    const job = await lanes.shard.send.getJob(taken.id);
    expect(await job?.getState()).toBe('completed');
    expect(job?.finishedOn).toBeGreaterThanOrEqual(before);
    expect(Number(await redis.zscore(`${send}completed`, taken.id))).toBe(job?.finishedOn);
    expect(await lanes.window()).toEqual([]);
  });

  it('is settled once: whoever asks again, since the answer was lost, hears the same and changes nothing', async () => {
    const taken = await start('c1');
    const next = await lanes.store({ conversation: 'c1' });
    await settle(taken);
    const [score, nextTaken] = [await redis.zscore(`${send}completed`, taken.id), await lanes.take()];
    expect(nextTaken?.id).toBe(next);
    expect(await settle(taken)).toEqual({ verdict: 'done', delayMs: 0 });
    expect(await redis.zscore(`${send}completed`, taken.id)).toBe(score);
    expect(await redis.lrange(`${send}active`, 0, -1)).toEqual([next]);
    expect(await lanes.lane('c1')).toEqual([next]);
  });

  it('stays with the worker that has it now, if another one settles it', async () => {
    const taken = await start('c1');
    expect(await settle({ ...taken, token: 'another' })).toEqual({ verdict: 'lost' });
    expect(await redis.lrange(`${send}active`, 0, -1)).toEqual([taken.id]);
    expect(await redis.get(jobKeys(lanes.shard, taken.id).lock)).toBe(taken.token);
    expect(await completed()).toEqual([]);
  });

  it('stays known while no more than a thousand others were delivered after it', async () => {
    const [oldest = '', second = ''] = await keepOlder(MOST_KEPT, KEEP_MS / 2);
    const id = await deliver('c1');
    const kept = await completed();
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([MOST_KEPT, second, id]);
    expect([await isKnown(oldest), await isKnown(second), await isKnown(id)]).toEqual([false, true, true]);
  });

  it('stays known no longer either if it is one of many that are settled at once', async () => {
    const old = await keepOlder(MOST_KEPT, KEEP_MS / 2);
    const taken: Taken[] = [];
    for (const conversation of ['c1', 'c2', 'c3', 'c4', 'c5']) taken.push(await start(conversation));
    await Promise.all(taken.map(settle));
    expect(await completed()).toEqual([...old.slice(5), ...taken.map(({ id }) => id)]);
  });

  it('makes room step by step if far too many are known', async () => {
    await keepOlder(MOST_KEPT + 250, KEEP_MS / 2);
    const counts: number[] = [];
    for (const conversation of ['c1', 'c2', 'c3']) {
      await deliver(conversation);
      counts.push((await completed()).length);
    }
    expect(counts).toEqual([MOST_KEPT + 51, MOST_KEPT, MOST_KEPT]);
  });

  it('stays known for its time, and is forgotten with all its keys when another one is delivered after that', async () => {
    const [old = ''] = await keepOlder(1, KEEP_MS + 1);
    await redis.zadd(`${send}completed`, (await nowMs()) - KEEP_MS + 30_000, 'young');
    const id = await deliver('c1');
    expect(await completed()).toEqual(['young', id]);
    expect(await isKnown(old)).toBe(false);
  });

  it('by a worker leaves BullMQ nothing to do: it hands out the next one', async () => {
    await using scene = await install(server);
    const ids: string[] = [];
    for (let n = 1; n <= 20; n += 1) ids.push(await scene.enqueue(textMessage('c1', n)));
    const shard = await openShard(redis, scene.config.namespace ?? '', 0);
    await eventually('all are completed', async () => (await shard.send.getCompletedCount()) === ids.length);
    expect(await shard.send.getJobCounts('active', 'wait', 'delayed', 'failed', 'waiting-children')).toEqual({
      active: 0,
      wait: 0,
      delayed: 0,
      failed: 0,
      'waiting-children': 0,
    });
    expect(await keysOf(redis, `${shard.root.replaceAll(/[{}]/g, '?')}send:*:lock`)).toEqual([]);
    expect(scene.attempts.map(({ id, next }) => [id, next])).toEqual(ids.map((id) => [id, 'delivered']));
  });
});
