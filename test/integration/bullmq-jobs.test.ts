import { createHash } from 'node:crypto';
import type { Job } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import { findStalled } from '../../src/shared/lanes/messages/find-stalled.ts';
import { jobKeys } from '../../src/shared/lanes/shard.ts';
import { letBullMqRunAlthoughFull } from '../../src/worker/bullmq/although-full.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages } from '../support/messages.ts';
import { longestSilenceMs } from '../support/pings.ts';
import { backoff, delivered } from '../support/settlements.ts';
import { tried } from '../support/tried.ts';
import { useLanes } from '../support/use-lanes.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';

/** What our scripts write is a job to BullMQ: to what it still does with it, and to dashboards. It runs on every upgrade. */
describe('a message, as BullMQ sees it', () => {
  const used = useRedis();
  const lanes = useLanes(used);

  async function jobOf(id: string): Promise<Job> {
    const job = await lanes.queues.send.getJob(id);
    if (!job) throw new Error('BullMQ knows no such job');
    return job;
  }

  async function takeOne(conversation: string) {
    await lanes.store({ conversation });
    return await lanes.takeNext();
  }

  const counts = async (): Promise<Record<string, number>> => {
    const all = await lanes.queues.send.getJobCounts(
      'waiting-children',
      'wait',
      'active',
      'delayed',
      'completed',
      'failed',
    );
    return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
  };

  it('has a state in each of its places', async () => {
    const later = await lanes.store({ conversation: 'c9', due: { delayMs: 60_000 } });
    const [delayed, held] = [await takeOne('c1'), await takeOne('c2')];
    await lanes.settle(delayed, backoff(60_000));
    await lanes.settle(held, { kind: 'hold', delayMs: 60_000 });
    const done = await takeOne('c3');
    await lanes.settle(done, delivered);
    const sending = await takeOne('c4');
    const waiting = await lanes.store({ conversation: 'c5' });
    const states = await Promise.all(
      [later, delayed.id, held.id, done.id, sending.id, waiting].map(async (id) => await (await jobOf(id)).getState()),
    );
    expect(states).toEqual(['waiting-children', 'delayed', 'delayed', 'completed', 'active', 'waiting-children']);
    expect(await counts()).toEqual({ 'waiting-children': 2, delayed: 2, completed: 1, active: 1 });
  });

  it('is released to `wait` for a slot that lies ahead', async () => {
    await lanes.rules({ intervalMs: 200 });
    const ids = [await lanes.store({ conversation: 'c1' }), await lanes.store({ conversation: 'c2' })];
    const { taken } = await lanes.turn();
    const ahead = ids.find((id) => id !== taken[0]?.id) ?? '';
    expect(await (await jobOf(ahead)).getState()).toBe('waiting');
    expect(await counts()).toEqual({ wait: 1, active: 1 });
  });

  it('is read although it has none of the fields that only BullMQ’s own moves need', async () => {
    const id = await lanes.store({ conversation: 'c1' });
    const fields = await lanes.redis.hkeys(`${lanes.sendRoot}${id}`);
    expect(fields.toSorted()).toEqual(['data', 'exp', 'lane', 'name', 'opts', 'timestamp']);
    const job = await jobOf(id);
    expect(job).toMatchObject({ name: 'text', data: { pageId: 'p1' } });
    const { opts, timestamp, attemptsMade, finishedOn } = job;
    expect([opts, attemptsMade, finishedOn]).toEqual([{ attempts: 0 }, 0, undefined]);
    expect(timestamp).toBe(Number(await lanes.redis.hget(`${lanes.sendRoot}${id}`, 'timestamp')));
  });

  it('was begun and has ended when our scripts say so', async () => {
    const taken = await takeOne('c1');
    await lanes.settle(taken, delivered);
    const { processedOn, finishedOn } = await jobOf(taken.id);
    expect(finishedOn).toBe(Number(await lanes.redis.zscore(`${lanes.sendRoot}completed`, taken.id)));
    expect(processedOn).toBeLessThanOrEqual(finishedOn ?? 0);
    expect((await lanes.queues.send.getCompleted()).map(({ id }) => id)).toEqual([taken.id]);
  });

  it('can be removed in a dashboard, but for one that a worker has', async () => {
    const [sending, waiting] = [await takeOne('c1'), await lanes.store({ conversation: 'c2' })];
    expect(await lanes.queues.send.remove(sending.id)).toBe(0);
    expect(await lanes.queues.send.remove(waiting)).toBe(1);
    expect(await counts()).toEqual({ active: 1 });
  });

  it('goes back to where it belongs when it is promoted in a dashboard before its time', async () => {
    const taken = await takeOne('c1');
    await lanes.settle(taken, backoff(60_000));
    const next = await lanes.redis.hget(`${lanes.sendRoot}${taken.id}`, 'next');
    await (await jobOf(taken.id)).promote();
    expect(await counts()).toEqual({ wait: 1 });
    expect(await lanes.take()).toBeNull();
    expect(await counts()).toEqual({ delayed: 1 });
    expect(await lanes.redis.zscore(`${lanes.sendRoot}delayed`, taken.id)).toBe(next);
  });

  describe('in its check for stalled jobs', () => {
    async function check(): Promise<number> {
      await lanes.redis.del(`${lanes.sendRoot}stalled-check`);
      return await findStalled(lanes.shard, 60_000);
    }

    it('is not looked for again before its time', async () => {
      const taken = await takeOne('c1');
      await lanes.redis.del(jobKeys(lanes.shard, taken.id).lock);
      await check();
      expect(await findStalled(lanes.shard, 60_000)).toBe(0);
      expect(await check()).toBe(1);
    });

    it('is looked for although others wrote that somebody has just looked', async () => {
      const taken = await takeOne('c1');
      await lanes.redis.del(jobKeys(lanes.shard, taken.id).lock);
      for (const checks of [0, 1]) {
        await lanes.redis.set(`${lanes.sendRoot}stalled-check`, 'x');
        expect(await findStalled(lanes.shard, 60_000)).toBe(checks);
      }
    });

    it('is found behind 100,000 entries that others wrote, which keep Redis from nothing else', async () => {
      const taken = await takeOne('c1');
      await lanes.redis.del(jobKeys(lanes.shard, taken.id).lock);
      const junk = Array.from({ length: 10_000 }, (_, n) => `junk-${n}`);
      for (let n = 0; n < 10; n += 1) {
        await lanes.redis.rpush(`${lanes.sendRoot}active`, ...junk.map((id) => `${id}-${n}`));
      }
      const silentMs = await longestSilenceMs(used.url, async () => {
        while ((await lanes.redis.llen(`${lanes.sendRoot}active`)) > 0) await check();
      });
      expect(silentMs).toBeLessThan(600);
      const [first] = await lanes.redis.lrange(`${lanes.sendRoot}wait`, -1, -1);
      expect(first).toBe(taken.id);
      tried({
        against: 'redis',
        input: '100,000 entries in `send:active`',
        result: 'Redis answers others; the stalled message is found',
        before: "38 s in BullMQ's own check",
      });
    });

    it('is left alone while its lock lasts', async () => {
      await takeOne('c1');
      expect([await check(), await check()]).toEqual([0, 0]);
      expect(await counts()).toEqual({ active: 1 });
    });

    it('comes to `wait`, before all that is there, when its lock has ended: the next take finds the attempt open', async () => {
      const taken = await takeOne('c1');
      await lanes.redis.del(jobKeys(lanes.shard, taken.id).lock);
      await lanes.redis.lpush(`${lanes.sendRoot}wait`, 'another');
      await lanes.redis.del(`${lanes.sendRoot}marker`);
      expect([await check(), await check()]).toEqual([0, 1]);
      expect(await lanes.redis.lrange(`${lanes.sendRoot}wait`, 0, -1)).toEqual(['another', taken.id]);
      expect(await lanes.redis.zrange(`${lanes.sendRoot}marker`, 0, '-1')).toEqual(['0']);
      expect(await lanes.take()).toMatchObject({ id: taken.id, verdict: 'unknown', attempt: taken.attempt });
    });

    it('is left alone if it was settled after a check had noted it', async () => {
      const taken = await takeOne('c1');
      await lanes.redis.del(jobKeys(lanes.shard, taken.id).lock);
      await check();
      expect(await lanes.redis.smembers(`${lanes.sendRoot}stalled`)).toEqual([taken.id]);
      await lanes.settle(taken, delivered);
      expect([await check(), await check()]).toEqual([0, 0]);
      expect(await counts()).toEqual({ completed: 1 });
    });

    it('is settled by the worker that had it, also after it came to `wait`', async () => {
      const taken = await takeOne('c1');
      await lanes.redis.del(jobKeys(lanes.shard, taken.id).lock);
      await check();
      await check();
      expect(await lanes.settle(taken, delivered)).toEqual({ verdict: 'done', delayMs: 0 });
      expect(await counts()).toEqual({ completed: 1 });
      expect(await lanes.take()).toBeNull();
    });
  });

  it('of a worker is moved by our scripts alone', async () => {
    await using site = await install(used, {
      startWorker: false,
      config: { timeoutMs: 1000 },
      api: {
        faults: [
          { kind: 'status', status: 500, rate: 0.2 },
          { kind: 'status', status: 400, rate: 0.1 },
          { kind: 'status', status: 429, retryAfter: 0, times: 5 },
          { kind: 'hang', times: 1 },
        ],
      },
    });
    const monitor = await new Redis(used.url, { lazyConnect: true }).monitor();
    const root = `{${site.config.namespace}:0}:`;
    const shas = new Set<string>();
    const byHand = new Set<string>();
    monitor.on('monitor', (_time: string, [command = '', ...args]: string[], source: string) => {
      if (!args.some((arg) => arg.startsWith(root))) return;
      if (/^evalsha$/i.test(command)) shas.add(args[0] ?? '');
      else if (/^eval$/i.test(command)) shas.add(shaOf(args[0] ?? ''));
      else if (source !== 'lua' && args[0] !== `${root}send:marker`) byHand.add(command.toLowerCase());
    });
    const receipts = await site.producer.enqueueMessages(manyMessages(20, 5));
    const worker = site.startWorker();
    for (const { id } of receipts) {
      await eventually('it has ended', async () => {
        const status = (await site.producer.getMessage(id))?.status;
        return status === 'delivered' || status === 'dead';
      });
    }
    await eventually(
      'stalled jobs are looked for',
      async () => (await lanes.redis.exists(`${root}send:stalled-check`)) === 1,
    );
    await eventually('the leader has looked', () => shas.has(scriptsOf(lanes.redis)['laneTick']?.sha ?? ''));
    await worker.close();
    monitor.disconnect();

    letBullMqRunAlthoughFull(lanes.redis);
    const scripts = Object.entries(scriptsOf(lanes.redis)).filter(([, { sha }]) => shas.has(sha));
    const ofBullMq = scripts.flatMap(([name]) => (name.includes(':') ? [name.replace(/:.*$/, '')] : []));
    expect(ofBullMq.filter((name) => name !== 'extendLocks')).toEqual([]);
    expect(scripts.map(([name]) => name)).toEqual(
      expect.arrayContaining(['laneEnqueue', 'laneTurn', 'laneFindStalled', 'laneTick', 'laneBeat']),
    );
    expect(
      [...byHand].filter((command) => /^(?:[lr]?push|[lr]?pop|lrem|lmove|rpoplpush|zadd|zrem|del)$/.test(command)),
    ).toEqual([]);
  });
});

/** MONITOR escapes the text of a script. */
function shaOf(shown: string): string {
  const text = shown.replaceAll(/\\(.)/g, (_all, character: string) => (character === 'n' ? '\n' : character));
  return createHash('sha1').update(text).digest('hex');
}

/** All scripts that a client knows: ours, and BullMQ's with its version after a colon. */
function scriptsOf(client: LaneRedis): Record<string, { sha: string }> {
  return (client as unknown as { scriptsSet: Record<string, { sha: string }> }).scriptsSet;
}
