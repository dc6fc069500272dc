import { describe, expect, it } from 'vitest';
import { hold, release } from '../../src/shared/lanes/holds/hold.ts';
import { BACKOFF } from '../../src/shared/lanes/lib/places.ts';
import { reconcile } from '../../src/shared/lanes/repair/reconcile.ts';
import { backoff } from '../support/settlements.ts';
import { tried } from '../support/tried.ts';
import { useLanes } from '../support/use-lanes.ts';

/** Anybody with a producer's user of Redis can write into jobs, lanes and sets of pages. */
describe('a message that must not leave now', () => {
  const lanes = useLanes();
  const FAR_MS = 3_600_000;
  const ways: Readonly<Record<string, (id: string, lane: string) => Promise<unknown>>> = {
    'its lane is a head of another page': async (_id, lane) =>
      await lanes.redis.zadd(`${lanes.shard.root}heads:p1`, 0, lane),
    'it stands in a lane of another page': async (id) => {
      await lanes.redis.rpush(`${lanes.shard.root}lane:p1/c9`, id);
      await lanes.redis.zadd(`${lanes.shard.root}heads:p1`, 0, 'p1/c9');
    },
    'it is the first of its own lane': async (id, lane) => {
      await lanes.redis.lpush(`${lanes.shard.root}lane:${lane}`, id);
      await lanes.redis.zadd(`${lanes.shard.root}heads:p2`, 0, lane);
      await lanes.redis.zadd(`${lanes.shard.root}turns`, -5, 'p2');
    },
    'it is released': async (id) => {
      await lanes.redis.hset(`${lanes.sendRoot}${id}`, 'place', 'released');
      await lanes.redis.lpush(`${lanes.sendRoot}wait`, id);
    },
    'its open attempt was not tried': async (id) => {
      await lanes.redis.hset(`${lanes.sendRoot}${id}`, 'place', 'sending', 'attempt', 'x-');
      await lanes.redis.lpush(`${lanes.sendRoot}wait`, id);
    },
    'its open attempt was not tried, in a lane of another page': async (id) => {
      await lanes.redis.hset(`${lanes.sendRoot}${id}`, 'place', 'sending', 'attempt', 'x-');
      await lanes.redis.rpush(`${lanes.shard.root}lane:p1/c9`, id);
      await lanes.redis.zadd(`${lanes.shard.root}heads:p1`, 0, 'p1/c9');
    },
  };
  const limits = { 'without a limit': {}, 'under a limit': { intervalMs: 1 } };
  const cases = Object.keys(ways).flatMap((way) => Object.keys(limits).map((limit) => [way, limit] as const));

  async function writeAndTake(way: string, limit: string, id: string): Promise<string[]> {
    await lanes.rules(limits[limit as keyof typeof limits]);
    await lanes.redis.zadd(`${lanes.shard.root}turns`, -9, 'p1');
    await ways[way]?.(id, 'p2/c1');
    const ids: string[] = [];
    for (let turns = 0; turns < 6; turns += 1) {
      const { taken, slotsMs } = await lanes.turn({ look: 'woken', dueSlots: limit === 'under a limit' ? 3 : 0 });
      expect(slotsMs.length).toBeLessThan(1000);
      for (const one of taken) {
        ids.push(one.id);
        await lanes.settle(one, { kind: 'delivered', elapsedMs: 1 });
      }
    }
    return ids;
  }

  it.each(cases)('because its page is held stays where it is although others write that %s, %s', async (way, limit) => {
    await hold(lanes.shard, { page: 'p2', reason: 'operator' });
    const ids = await lanes.storeInto(['c1', 'c1'], { page: 'p2' });
    expect(await writeAndTake(way, limit, ids[0] ?? '')).toEqual([]);
    await release(lanes.shard, { page: 'p2' });
    for (let passes = 0; passes < 3; passes += 1) await reconcile(lanes.shard, '0');
    await lanes.rules({});
    const sent: string[] = [];
    for (let turns = 0; turns < 6; turns += 1) {
      for (const one of (await lanes.turn({ look: 'due' })).taken) {
        sent.push(one.id);
        await lanes.settle(one, { kind: 'delivered', elapsedMs: 1 });
      }
    }
    expect(sent).toEqual(ids);
    tried({
      against: 'redis',
      input:
        "a held, scheduled, delivered or put-off message, its id or lane written into another page's heads or lane, its own lane again, or `wait`; with and without a limit",
      result: 'never sent early, again or through the hold',
      before: '20 of the first 20',
    });
  });

  const atHolds = /^it is released|^its lane is a head of another page|^its open attempt/;
  const early = cases.filter(([way]) => !atHolds.test(way));
  it.each(early)(
    'because it is scheduled does not leave early although others write that %s, %s',
    async (way, limit) => {
      const id = await lanes.store({ conversation: 'c1', page: 'p2', due: { delayMs: FAR_MS } });
      expect(await writeAndTake(way, limit, id)).toEqual([]);
      expect(await lanes.jobOf(id)).toMatchObject({ place: 'scheduled' });
      tried({
        against: 'redis',
        input:
          "a held, scheduled, delivered or put-off message, its id or lane written into another page's heads or lane, its own lane again, or `wait`; with and without a limit",
        result: 'never sent early, again or through the hold',
        before: '20 of the first 20',
      });
    },
  );

  /** Who may cancel messages may write into these sets. */
  const takeDue = async (): Promise<string[]> => {
    const ids: string[] = [];
    for (let turns = 0; turns < 3; turns += 1) {
      ids.push(...(await lanes.turn({ look: 'due' })).taken.map(({ id }) => id));
    }
    return ids;
  };

  it.each(['its own entry', 'another entry'])(
    'because it is scheduled leaves on time although others write an earlier time into `due`, for %s',
    async (which) => {
      const { redis, shard } = lanes;
      const due = `${shard.root}due`;
      const id = await lanes.store({ conversation: 'c1', page: 'p2', due: { delayMs: FAR_MS } });
      const [entry = '', time = ''] = await redis.zrange(due, '0', '-1', 'WITHSCORES');
      await redis.zadd(due, 0, which === 'its own entry' ? entry : `0000000000000000:${id}`);
      expect(await takeDue()).toEqual([]);
      expect(await redis.zrange(due, '0', '-1', 'WITHSCORES')).toEqual([entry, time]);
      expect(await lanes.jobOf(id)).toMatchObject({ place: 'scheduled' });
      tried({
        against: 'redis',
        input: 'another time of a scheduled or put-off message, or none, in `due` and `delayed`',
        result: 'sent when its own time comes',
        before: 'sent at once, or never',
      });
    },
  );

  it('because it is put off leaves on time although others write an earlier time into `delayed`', async () => {
    const { redis } = lanes;
    const delayed = `${lanes.sendRoot}delayed`;
    const id = await lanes.store({ conversation: 'c1', page: 'p2' });
    await lanes.settle(await lanes.takeNext(), backoff(FAR_MS / 100));
    const time = await redis.zscore(delayed, id);
    await redis.zadd(delayed, 0, id);
    expect(await takeDue()).toEqual([]);
    expect(await redis.zscore(delayed, id)).toBe(time);
    tried({
      against: 'redis',
      input: 'another time of a scheduled or put-off message, or none, in `due` and `delayed`',
      result: 'sent when its own time comes',
      before: 'sent at once, or never',
    });
  });

  const times: Readonly<Record<string, (id: string) => Promise<unknown>>> = {
    'a time that never comes': async (id) => await lanes.redis.zadd(`${lanes.sendRoot}delayed`, 'XX', 9e15, id),
    'no time': async (id) => await lanes.redis.zrem(`${lanes.sendRoot}delayed`, id),
  };

  it.each(Object.keys(times))(
    'because it is put off leaves on time although others write %s into `delayed`',
    async (which) => {
      const { redis } = lanes;
      const delayed = `${lanes.sendRoot}delayed`;
      const id = await lanes.store({ conversation: 'c1', page: 'p2' });
      await lanes.settle(await lanes.takeNext(), backoff(FAR_MS / 100));
      const time = await redis.zscore(delayed, id);
      await times[which]?.(id);
      expect(await takeDue()).toEqual([]);
      expect((await reconcile(lanes.shard, '0')).repairs).toBe(1);
      expect(await redis.zscore(delayed, id)).toBe(time);
      expect(await lanes.heads('p2')).toEqual({ 'p2/c1': BACKOFF });
      tried({
        against: 'redis',
        input: 'another time of a scheduled or put-off message, or none, in `due` and `delayed`',
        result: 'sent when its own time comes',
        before: 'sent at once, or never',
      });
    },
  );

  it('because it is scheduled leaves on time although others write a time that never comes into `due`', async () => {
    const { redis, shard } = lanes;
    const due = `${shard.root}due`;
    await lanes.store({ conversation: 'c1', page: 'p2', due: { delayMs: FAR_MS } });
    const [entry = '', time = ''] = await redis.zrange(due, '0', '-1', 'WITHSCORES');
    await redis.zadd(due, 9e15, entry);
    expect((await reconcile(shard, '0')).repairs).toBe(1);
    expect(await redis.zrange(due, '0', '-1', 'WITHSCORES')).toEqual([entry, time]);
    tried({
      against: 'redis',
      input: 'another time of a scheduled or put-off message, or none, in `due` and `delayed`',
      result: 'sent when its own time comes',
      before: 'sent at once, or never',
    });
  });

  it('because others write that its page waits for a slot that never comes leaves after the next repair', async () => {
    const { redis, shard } = lanes;
    const id = await lanes.store({ conversation: 'c1', page: 'p2' });
    await redis.zrem(`${shard.root}turns`, 'p2');
    await redis.zadd(`${shard.root}paced`, 9e15, 'p2');
    await reconcile(shard, '0');
    expect(await takeDue()).toEqual([id]);
    tried({
      against: 'redis',
      input: 'a page in `paced` until a time that never comes',
      result: 'goes on after the next repair',
      before: 'never',
    });
  });

  it.each(early)('because it was delivered is not sent again although others write that %s, %s', async (way, limit) => {
    const id = await lanes.store({ conversation: 'c1', page: 'p2' });
    await lanes.settle(await lanes.takeNext(), { kind: 'delivered', elapsedMs: 1 });
    expect(await writeAndTake(way, limit, id)).toEqual([]);
    expect(await lanes.jobOf(id)).toMatchObject({ place: 'ended', why: 'delivered' });
    tried({
      against: 'redis',
      input:
        "a held, scheduled, delivered or put-off message, its id or lane written into another page's heads or lane, its own lane again, or `wait`; with and without a limit",
      result: 'never sent early, again or through the hold',
      before: '20 of the first 20',
    });
  });

  it.each(early)('because it is put off waits on although others write that %s, %s', async (way, limit) => {
    const id = await lanes.store({ conversation: 'c1', page: 'p2' });
    await lanes.settle(await lanes.takeNext(), backoff(FAR_MS / 100));
    expect(await writeAndTake(way, limit, id)).toEqual([]);
    expect(await lanes.jobOf(id)).toMatchObject({ place: 'put-off', why: 'backoff' });
    for (let passes = 0; passes < 3; passes += 1) await reconcile(lanes.shard, '0');
    expect(await lanes.heads('p2')).toEqual({ 'p2/c1': BACKOFF });
    tried({
      against: 'redis',
      input:
        "a held, scheduled, delivered or put-off message, its id or lane written into another page's heads or lane, its own lane again, or `wait`; with and without a limit",
      result: 'never sent early, again or through the hold',
      before: '20 of the first 20',
    });
  });
});
