import type { Queue } from 'bullmq';
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
import { BURY } from '../support/lanes-model/worker-steps.ts';
import { startTestRedis } from '../support/redis.ts';
import { install, type Installation } from '../support/worker.ts';
import { keysOf } from '../support/keys-of.ts';

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
    for (let quiet = 0; quiet < 2;) {
      const { repairs } = await reconcile(shard, '0');
      quiet = repairs === 0 ? quiet + 1 : 0;
    }
  }

  it('remove() of a released head and of a follower: the others are delivered in order', async () => {
    await using site = await install(server, { startWorker: false });
    const ids: string[] = [];
    for (let n = 1; n <= 5; n += 1) ids.push(await site.enqueue(textMessage('c1', n)));
    const shard = await shardOf(site);
    await shard.send.remove(ids[0] ?? '');
    await shard.send.remove(ids[2] ?? '');
    await reconcileAll(shard);
    site.startWorker();
    await site.until(ids[4] ?? '', 'delivered');
    expect(site.api.accepted.map(({ message }) => message)).toEqual([2, 4, 5].map((n) => textMessage('c1', n).message));
    expect(await readRepairs(shard)).toEqual({ removed: 1 });
  });

  it.each(['drain', 'clean wait', 'obliterate'])(
    '%s in the middle of a backlog: what is left is delivered in order',
    async (way) => {
      await using site = await install(server, { startWorker: false });
      await site.producer.enqueueMessages(manyMessages(20, 3));
      const shard = await shardOf(site);
      if (way === 'drain') await shard.send.drain();
      if (way === 'clean wait') await shard.send.clean(0, 1000, 'wait');
      if (way === 'obliterate') {
        await shard.send.pause();
        await shard.send.obliterate({ force: true });
      }
      await reconcileAll(shard);
      site.startWorker();
      const last = await site.enqueue(textMessage('c1', 4, 'p1'));
      await site.until(last, 'delivered');
      await eventually('nothing is open any more', async () => {
        const { 'waiting-children': hidden, waiting, active, delayed } = await shard.send.getJobCounts();
        return hidden === 0 && waiting === 0 && active === 0 && delayed === 0;
      });
      const report = site.api.report();
      expect(report).toMatchObject({ outOfOrder: { count: 0 }, duplicates: { count: 0 } });
      expect(report.accepted).toBeGreaterThan(1);
    },
  );

  it('an obliterated queue takes new messages of the same conversations', async () => {
    await using site = await install(server, { startWorker: false });
    await site.producer.enqueueMessages(manyMessages(5, 1));
    const shard = await shardOf(site);
    await shard.send.pause();
    await shard.send.obliterate({ force: true });
    const ids = await site.producer.enqueueMessages(manyMessages(5, 1));
    await reconcileAll(shard);
    site.startWorker();
    for (const { id } of ids) await site.until(id, 'delivered');
    expect(site.api.accepted).toHaveLength(5);
  });

  it('a wait list that was deleted by hand is filled again', async () => {
    await using site = await install(server, { startWorker: false });
    const receipts = await site.producer.enqueueMessages(manyMessages(8, 2));
    const shard = await shardOf(site);
    await redis.del(`${shard.root}send:wait`);
    await reconcileAll(shard);
    site.startWorker();
    for (const { id } of receipts) await site.until(id, 'delivered');
    expect(site.api.report().outOfOrder.count).toBe(0);
  });

  it('windows, ready lists and lanes that were deleted by hand are made anew', async () => {
    await using site = await install(server, { config: { pageParallelism: 1 }, startWorker: false });
    const shard = await shardOf(site);
    const lanes = await openLanes(redis, site.config.namespace);
    await lanes.limitWindow(1);
    const receipts = await site.producer.enqueueMessages(manyMessages(6, 2, 1));
    const ours = await keysOf(redis, `${shard.root.replaceAll(/[{}]/g, '?')}*`);
    await redis.del(...ours.filter((key) => /:(window|ready|lane|pages)\b/.test(key)));
    site.startWorker();
    await eventually('all are delivered', async () => {
      await reconcile(shard, '0');
      const records = await Promise.all(receipts.map(({ id }) => site.producer.getMessage(id)));
      return records.every((record) => record?.status === 'delivered');
    });
    expect(site.api.report().duplicates.count).toBe(0);
  });

  it('a job that BullMQ failed by itself becomes a dead letter, and its conversation goes on', async () => {
    await using site = await install(server, { startWorker: false });
    const id = await site.enqueue(textMessage('c1', 1));
    const next = await site.enqueue(textMessage('c1', 2));
    const shard = await shardOf(site);
    // What BullMQ does past its own limit of stalls: without asking us it fails the job when it is taken.
    await redis.hset(`${shard.root}send:${id}`, 'defa', 'job stalled more than allowable limit');
    site.startWorker();
    await eventually('BullMQ failed it', async () => (await shard.send.getFailedCount()) === 1);
    expect(await buryFailed(shard, BURY)).toBe(1);
    expect(await site.producer.getMessage(id)).toMatchObject({ status: 'dead', reason: 'crashed' });
    await site.until(next, 'delivered');
  });

  it('a request that was open when BullMQ failed its job is named in the dead letter', async () => {
    await using site = await install(server, { startWorker: false });
    const id = await site.enqueue(textMessage('c1', 1));
    const shard = await shardOf(site);
    const lanes = await openLanes(redis, site.config.namespace);
    const taken = await lanes.take();
    if (taken) await lanes.claim(taken);
    await redis.multi().lrem(`${shard.root}send:active`, 1, id).zadd(`${shard.root}send:failed`, 1, id).exec();
    expect(await buryFailed(shard, BURY)).toBe(1);
    expect(await site.producer.getMessage(id)).toMatchObject({
      status: 'dead',
      attemptsUsed: 1,
      attempts: [{ outcome: 'unknown', usedAttempt: true }],
    });
  });

  it('a message that BullMQ knows to be done is not sent again when Redis lost its settlement', async () => {
    await using site = await install(server, { startWorker: false });
    const id = await site.enqueue(textMessage('c1', 1));
    const next = await site.enqueue(textMessage('c1', 2));
    const shard = await shardOf(site);
    const lanes = await openLanes(redis, site.config.namespace);
    const taken = await lanes.take();
    if (taken) await lanes.claim(taken);
    await redis
      .multi()
      .lrem(`${shard.root}send:active`, 1, id)
      .zadd(`${shard.root}send:completed`, Date.now(), id)
      .exec();
    await reconcileAll(shard);
    site.startWorker();
    await site.until(next, 'delivered');
    expect(await site.producer.getMessage(id)).toMatchObject({ status: 'delivered' });
    expect(site.api.accepted).toHaveLength(1);
    expect(await readRepairs(shard)).toEqual({ 'forgotten-end': 1 });
  });

  it('a job that is no JSON any more becomes a dead letter when its lock has ended, and its conversation goes on', async () => {
    await using site = await install(server, { config: { timeoutMs: 500 }, startWorker: false });
    const id = await site.enqueue(textMessage('c1', 1));
    const next = await site.enqueue(textMessage('c1', 2));
    const shard = await shardOf(site);
    await redis.hset(`${shard.root}send:${id}`, 'data', '{"v":1,"requ');
    site.startWorker();
    const record = await site.until(id, 'dead');
    expect(record).toMatchObject({ reason: 'undecodable', request: null });
    await site.until(next, 'delivered');
  });

  it('a job without a lane, from an add that never became a message, goes away after ten minutes', async () => {
    await using site = await install(server, { startWorker: false });
    const shard = await shardOf(site);
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
    await using site = await install(server, { api: { faults: [{ kind: 'status', status: 500, rate: 0.3 }] } });
    const shard = await shardOf(site);
    const receipts = await site.producer.enqueueMessages(manyMessages(40, 5));
    await eventually('all have ended', async () => {
      expect(await reconcile(shard, '0')).toMatchObject({ repairs: 0 });
      return site.api.accepted.length + (await site.deadLetters.count()) >= receipts.length;
    });
    expect(await readRepairs(shard)).toEqual({});
  });
});
