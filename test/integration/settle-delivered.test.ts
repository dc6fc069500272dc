import { describe, expect, it } from 'vitest';
import { beatIn, tickIn, type WorkerRecord } from '../../src/shared/lanes/fleet/leader.ts';
import type { Taken } from '../../src/shared/lanes/messages/settle-and-take.ts';
import { openQueues } from '../../src/shared/lanes/queues.ts';
import { jobKeys, shardOn } from '../../src/shared/lanes/shard.ts';
import { readTimeMs } from '../../src/shared/redis/time.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { delivered, ended } from '../support/settlements.ts';
import { useLanes } from '../support/use-lanes.ts';
import { useRedis } from '../support/use-redis.ts';
import { withoutMemory } from '../support/without-memory.ts';
import { install } from '../support/worker.ts';

const KEEP_MS = 60_000;
const KEEP = 1000;
const LOCK_MS = 20_000;
/** What the leader takes away in one tick, if too many are known. */
const MOST_CLEANED = 10_000;

const WORKER: WorkerRecord = { version: '1.0.0', since: '2026-11-22T10:00:00.000Z', concurrency: 50, sending: 0 };

describe('a message that was delivered', () => {
  const used = useRedis();
  const lanes = useLanes(used);

  /** Stores a message of its own conversation, and takes it. */
  async function start(conversation: string): Promise<Taken> {
    await lanes.store({ conversation });
    const taken = await lanes.takeNext({ lockMs: LOCK_MS });
    expect(taken.verdict).toBe('go');
    return taken;
  }

  async function deliver(conversation: string): Promise<string> {
    const taken = await start(conversation);
    expect(await settle(taken)).toEqual({ verdict: 'done', delayMs: 0 });
    return taken.id;
  }

  const settle = (taken: Taken) => lanes.settle(taken, delivered);
  const completed = () => lanes.redis.zrange(`${lanes.sendRoot}completed`, 0, '-1');
  const tick = (keepDone = KEEP) =>
    tickIn(lanes.shard, { workerId: 'leader', keepDoneMs: KEEP_MS, keepDone, keepEvents: 1000, lockMs: LOCK_MS });

  /** Records of what was delivered before, each a ms after the one before it. */
  async function keepOlder(count: number, firstAgeMs: number): Promise<string[]> {
    const first = (await nowMs()) - firstAgeMs;
    const ids = Array.from({ length: count }, (_, n) => `old-${n}`);
    const pipeline = lanes.redis.pipeline();
    for (const [n, id] of ids.entries()) {
      pipeline.zadd(`${lanes.sendRoot}completed`, first + n, id);
      pipeline.hset(`${lanes.sendRoot}${id}`, 'place', 'ended', 'why', 'delivered');
      pipeline.rpush(`${lanes.sendRoot}${id}:logs`, 'of some dashboard');
    }
    await pipeline.exec();
    return ids;
  }

  const nowMs = async (): Promise<number> => await readTimeMs(lanes.redis, lanes.sendRoot);

  const isKnown = async (id: string): Promise<boolean> =>
    (await lanes.redis.exists(`${lanes.sendRoot}${id}`, `${lanes.sendRoot}${id}:logs`)) > 0;

  it('is completed for BullMQ in the same step, and in none of its other hands', async () => {
    const taken = await start('c1');
    expect(await lanes.redis.lrange(`${lanes.sendRoot}active`, 0, -1)).toEqual([taken.id]);
    const before = await nowMs();
    await settle(taken);
    expect(
      await lanes.redis.exists(
        `${lanes.sendRoot}active`,
        `${lanes.sendRoot}wait`,
        `${lanes.sendRoot}delayed`,
        `${lanes.sendRoot}waiting-children`,
      ),
    ).toBe(0);
    const job = await lanes.queues.send.getJob(taken.id);
    expect(await job?.getState()).toBe('completed');
    expect(job?.finishedOn).toBeLessThanOrEqual(before + 1);
    expect(job?.finishedOn).toBe((job?.processedOn ?? 0) + 1);
    expect(Number(await lanes.redis.zscore(`${lanes.sendRoot}completed`, taken.id))).toBe(job?.finishedOn);
    expect(await lanes.heads()).toEqual({});
  });

  it('has no lock if it is settled with others, and alone one that ends by itself', async () => {
    const alone = await start('c1');
    await settle(alone);
    const pttl = await lanes.redis.pttl(jobKeys(lanes.shard, alone.id).lock);
    expect(pttl).toBeGreaterThan(0);
    expect(pttl).toBeLessThanOrEqual(LOCK_MS);

    const all = [await start('c2'), await start('c3')];
    await lanes.turn({ places: 0, settlements: all.map((taken) => ended(taken)) });
    expect(await lanes.redis.exists(...all.map(({ id }) => jobKeys(lanes.shard, id).lock))).toBe(0);
  });

  it('is settled once: whoever asks again, since the answer was lost, hears the same and changes nothing', async () => {
    const taken = await start('c1');
    const next = await lanes.store({ conversation: 'c1' });
    await settle(taken);
    const [score, nextTaken] = [await lanes.redis.zscore(`${lanes.sendRoot}completed`, taken.id), await lanes.take()];
    expect(nextTaken?.id).toBe(next);
    expect(await settle(taken)).toEqual({ verdict: 'done', delayMs: 0 });
    expect(await lanes.redis.zscore(`${lanes.sendRoot}completed`, taken.id)).toBe(score);
    expect(await lanes.redis.lrange(`${lanes.sendRoot}active`, 0, -1)).toEqual([next]);
    expect(await lanes.lane('c1')).toEqual([next]);
  });

  it('stays known while no more than a thousand others were delivered after it', async () => {
    const [oldest = '', second = ''] = await keepOlder(KEEP, KEEP_MS / 2);
    const id = await deliver('c1');
    await tick();
    const kept = await completed();
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([KEEP, second, id]);
    expect([await isKnown(oldest), await isKnown(second), await isKnown(id)]).toEqual([false, true, true]);
  });

  it.each([0, 3])('stays known as one of the newest %i, if no more are to be kept', async (keepDone) => {
    await keepOlder(5, KEEP_MS / 2);
    const ids = [await deliver('c1'), await deliver('c2'), await deliver('c3')];
    await tick(keepDone);
    expect(await completed()).toEqual(keepDone === 0 ? [] : ids);
    expect(await isKnown(ids[0] ?? '')).toBe(keepDone > 0);
  });

  it('makes room step by step if far too many are known', async () => {
    await keepOlder(KEEP + MOST_CLEANED + 250, KEEP_MS / 2);
    const counts: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      await tick();
      counts.push((await completed()).length);
    }
    expect(counts).toEqual([KEEP + 250, KEEP, KEEP]);
  });

  it('makes room also when Redis has no memory left', async () => {
    await keepOlder(KEEP + 250, KEEP_MS / 2);
    await withoutMemory(lanes.redis, async () => {
      await beatIn(lanes.shard, { workerId: 'leader', record: WORKER, window: 0 });
      await tick();
    });
    expect(await completed()).toHaveLength(KEEP);
  });

  it('stays known for its time, and is forgotten with all its keys after that', async () => {
    const [old = ''] = await keepOlder(1, KEEP_MS + 1);
    await lanes.redis.zadd(`${lanes.sendRoot}completed`, (await nowMs()) - KEEP_MS + 30_000, 'young');
    const id = await deliver('c1');
    expect(await isKnown(old)).toBe(true);
    await tick();
    expect(await completed()).toEqual(['young', id]);
    expect(await isKnown(old)).toBe(false);
  });

  it('by a worker leaves BullMQ nothing to do: it hands out the next one', async () => {
    await using scene = await install(used);
    const ids: string[] = [];
    for (let n = 1; n <= 20; n += 1) ids.push(await scene.enqueue(textMessage('c1', n)));
    const { send } = await openQueues(shardOn(lanes.redis, scene.config.namespace ?? '', 0));
    await eventually('all are completed', async () => (await send.getCompletedCount()) === ids.length);
    expect(await send.getJobCounts('active', 'wait', 'delayed', 'failed', 'waiting-children')).toEqual({
      active: 0,
      wait: 0,
      delayed: 0,
      failed: 0,
      'waiting-children': 0,
    });
    expect(scene.attempts.map(({ id, next }) => [id, next])).toEqual(ids.map((id) => [id, 'delivered']));
  });
});
