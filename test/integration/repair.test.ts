import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRepairs, reconcile } from '../../src/shared/lanes/reconcile.ts';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import { openShard, type Shard } from '../../src/shared/queues.ts';
import { connectPatiently } from '../../src/shared/redis.ts';
import type { RedisServer } from '../../src/testing/redis-handle.ts';
import { buryFailed } from '../../src/worker/bury-lost.ts';
import { eventually } from '../support/eventually.ts';
import { openLanes } from '../support/lanes.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { install, type Installation } from '../support/worker.ts';

describe('what an operator does in some dashboard never wedges a conversation', () => {
  let server: RedisServer;
  let redis: LaneRedis;
  beforeAll(async () => {
    server = await startTestRedis();
    redis = connectPatiently(server.url);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  async function shardOf(installation: Installation): Promise<Shard> {
    return await openShard(redis, installation.config.namespace ?? '', 0);
  }

  /** Passes until nothing is left to mend, as workers make them every few seconds. */
  async function reconcileAll(shard: Shard): Promise<void> {
    for (let quiet = 0; quiet < 2; ) {
      const { repairs } = await reconcile(shard, '0');
      quiet = repairs === 0 ? quiet + 1 : 0;
    }
  }

  it('remove() of a released head and of a follower: the others are delivered in order', async () => {
    await using it = await install(server, { startWorker: false });
    const ids: string[] = [];
    for (let n = 1; n <= 5; n += 1) ids.push(await it.enqueue(textMessage('c1', n)));
    const shard = await shardOf(it);
    await shard.send.remove(ids[0] ?? '');
    await shard.send.remove(ids[2] ?? '');
    await reconcileAll(shard);
    it.startWorker();
    await it.until(ids[4] ?? '', 'delivered');
    expect(it.api.accepted.map(({ message }) => message)).toEqual([2, 4, 5].map((n) => textMessage('c1', n).message));
    expect(await readRepairs(shard)).toEqual({ removed: 1 });
  });

  it.each(['drain', 'clean wait', 'obliterate'])('%s in the middle of a backlog: what is left is delivered in order', async (way) => {
    await using it = await install(server, { startWorker: false });
    await it.producer.enqueueMessages(manyMessages(20, 3));
    const shard = await shardOf(it);
    if (way === 'drain') await shard.send.drain();
    if (way === 'clean wait') await shard.send.clean(0, 1000, 'wait');
    if (way === 'obliterate') {
      await shard.send.pause();
      await shard.send.obliterate({ force: true });
    }
    await reconcileAll(shard);
    it.startWorker();
    const last = await it.enqueue(textMessage('c1', 4, 'p1'));
    await it.until(last, 'delivered');
    await eventually('nothing is open any more', async () => {
      const { 'waiting-children': hidden, waiting, active, delayed } = await shard.send.getJobCounts();
      return hidden === 0 && waiting === 0 && active === 0 && delayed === 0;
    });
    const report = it.api.report();
    expect(report).toMatchObject({ outOfOrder: { count: 0 }, duplicates: { count: 0 } });
    expect(report.accepted).toBeGreaterThan(1);
  });

  it('an obliterated queue takes new messages of the same conversations', async () => {
    await using it = await install(server, { startWorker: false });
    await it.producer.enqueueMessages(manyMessages(5, 1));
    const shard = await shardOf(it);
    await shard.send.pause();
    await shard.send.obliterate({ force: true });
    const ids = await it.producer.enqueueMessages(manyMessages(5, 1));
    await reconcileAll(shard);
    it.startWorker();
    for (const { id } of ids) await it.until(id, 'delivered');
  });

  it('a wait list that was deleted by hand is filled again', async () => {
    await using it = await install(server, { startWorker: false });
    const receipts = await it.producer.enqueueMessages(manyMessages(8, 2));
    const shard = await shardOf(it);
    await redis.del(`${shard.root}send:wait`);
    await reconcileAll(shard);
    it.startWorker();
    for (const { id } of receipts) await it.until(id, 'delivered');
    expect(it.api.report().outOfOrder.count).toBe(0);
  });

  it('windows, ready lists and lanes that were deleted by hand are made anew', async () => {
    await using it = await install(server, { config: { pageParallelism: 1 }, startWorker: false });
    const shard = await shardOf(it);
    const lanes = await openLanes(redis, it.config.namespace);
    await lanes.limitWindow(1);
    const receipts = await it.producer.enqueueMessages(manyMessages(6, 2, 1));
    const ours = await redis.keys(`${shard.root.replaceAll(/[{}]/g, '?')}*`);
    await redis.del(...ours.filter((key) => /:(window|ready|lane|pages)\b/.test(key)));
    it.startWorker();
    await eventually('all are delivered', async () => {
      await reconcile(shard, '0');
      const records = await Promise.all(receipts.map(({ id }) => it.producer.getMessage(id)));
      return records.every((record) => record?.status === 'delivered');
    });
    expect(it.api.report().duplicates.count).toBe(0);
  });

  it('a job that BullMQ failed by itself becomes a dead letter, and its conversation goes on', async () => {
    await using it = await install(server, { startWorker: false });
    const id = await it.enqueue(textMessage('c1', 1));
    const next = await it.enqueue(textMessage('c1', 2));
    const shard = await shardOf(it);
    // What BullMQ does past its own limit of stalls: without asking us it fails the job when it is taken.
    await redis.hset(`${shard.root}send:${id}`, 'defa', 'job stalled more than allowable limit');
    it.startWorker();
    await eventually('BullMQ failed it', async () => (await shard.send.getFailedCount()) === 1);
    expect(await buryFailed(shard, 8)).toBe(1);
    expect(await it.producer.getMessage(id)).toMatchObject({ status: 'dead', reason: 'crashed' });
    await it.until(next, 'delivered');
  });

  it('a job that is no JSON any more becomes a dead letter when its lock has ended, and its conversation goes on', async () => {
    await using it = await install(server, { config: { timeoutMs: 500 }, startWorker: false });
    const id = await it.enqueue(textMessage('c1', 1));
    const next = await it.enqueue(textMessage('c1', 2));
    const shard = await shardOf(it);
    await redis.hset(`${shard.root}send:${id}`, 'data', '{"v":1,"requ');
    it.startWorker();
    const record = await it.until(id, 'dead');
    expect(record).toMatchObject({ reason: 'undecodable', request: null });
    await it.until(next, 'delivered');
  });

  it('a job without a lane, from an add that never became a message, goes away after ten minutes', async () => {
    await using it = await install(server, { startWorker: false });
    const shard = await shardOf(it);
    const queue: Queue = shard.send;
    const add = async (id: string, timestamp: number): Promise<void> => {
      await redis.hset(`${shard.root}send:${id}`, { name: 'text', data: '{}', timestamp });
      await redis.zadd(`${shard.root}send:waiting-children`, timestamp, id);
    };
    await add('0-old', Date.now() - 11 * 60_000);
    await add('0-new', Date.now());
    await reconcileAll(shard);
    expect(await queue.getJob('0-old')).toBeUndefined();
    expect(await queue.getJob('0-new')).toBeDefined();
  });

  it('nothing is mended where nothing is wrong, while messages fail, wait and are delivered', async () => {
    await using it = await install(server, { api: { faults: [{ kind: 'status', status: 500, rate: 0.3 }] } });
    const shard = await shardOf(it);
    const receipts = await it.producer.enqueueMessages(manyMessages(40, 5));
    await eventually('all have ended', async () => {
      expect(await reconcile(shard, '0')).toMatchObject({ repairs: 0 });
      return it.api.accepted.length + (await it.deadLetters.count()) >= receipts.length;
    });
    expect(await readRepairs(shard)).toEqual({});
  });
});
