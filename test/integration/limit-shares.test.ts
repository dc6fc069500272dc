import { afterEach, describe, expect, it, vi } from 'vitest';
import { readPace, writeLimits, writePace } from '../../src/shared/lanes/fleet/limits.ts';
import { createKeeper, type KeeperOfTest, type KeeperOptions, shardRoots } from '../support/limits/keepers.ts';
import { START, useSimulatedTime } from '../support/limits/simulated-time.ts';

const NAMESPACE = 'shares';
const SHARDS = 4;
const roots = shardRoots(NAMESPACE, SHARDS).map(({ root }) => root);
const rootOf = (shard: number): string => roots[shard] ?? '';

const time = useSimulatedTime();

describe('the limit of the fleet on several shards', () => {
  afterEach(() => vi.restoreAllMocks());

  async function join(options: KeeperOptions): Promise<KeeperOfTest> {
    const keeper = createKeeper(time.redis, NAMESPACE, 'worker', { shards: SHARDS, ...options });
    await keeper.start();
    return keeper;
  }

  async function ratesNow(): Promise<number[]> {
    const paces = await Promise.all(roots.map((root) => readPace(time.redis, root)));
    return paces.map(({ pace }) => (pace ? 1000 / pace.intervalMs : 0));
  }
  const sumNow = async (): Promise<number> => (await ratesNow()).reduce((total, rate) => total + rate, 0);

  /** Gives a shard pages with messages that may leave. */
  async function fill(shard: number, pages = 1, messages = 1000): Promise<void> {
    const root = rootOf(shard);
    for (let page = 0; page < pages; page += 1) {
      await time.redis.sadd(`${root}pages`, `p${page}`);
      await time.redis.zadd(`${root}turns`, page, `p${page}`);
    }
    const ids = Array.from({ length: messages }, (_, n) => ['0', `m${n}`]).flat();
    await time.redis.zadd(`${root}send:waiting-children`, ...ids);
  }
  const drain = async (shard: number): Promise<void> => {
    await time.redis.del(`${rootOf(shard)}pages`, `${rootOf(shard)}turns`, `${rootOf(shard)}send:waiting-children`);
  };

  it('is shared out before the first worker takes messages', async () => {
    await join({ rate: '50/s burst 8', pageRate: '5/s' });
    for (const root of roots) {
      const { pace } = await readPace(time.redis, root);
      expect(pace).toMatchObject({ intervalMs: 80, burst: 2, pageIntervalMs: 200, pageBurst: 1 });
    }
  });

  it('is for those that have work, and for others when they have some', async () => {
    const leader = await join({ rate: '50/s' });
    await fill(2);
    for (let n = 0; n < 4; n += 1) await leader.tick();
    expect((await ratesNow())[2]).toBeGreaterThanOrEqual(49);
    await fill(0);
    await leader.tick();
    const [first = 0, , third = 0] = await ratesNow();
    expect([first, third]).toEqual([expect.closeTo(24.7, 0), expect.closeTo(24.7, 0)]);
    await drain(2);
    for (let n = 0; n < 4; n += 1) await leader.tick();
    expect((await ratesNow())[0]).toBeGreaterThanOrEqual(49);
    expect(Math.min(...(await ratesNow()))).toBeGreaterThan(0);
  });

  it('goes with the work at once, and stays where it is while the work is the same', async () => {
    const leader = await join({ rate: '50/s' });
    await Promise.all([fill(0, 3), fill(1, 2), fill(2, 4), fill(3, 1)]);
    await leader.tick();
    const rates = await ratesNow();
    expect(rates.map(Math.round)).toEqual([15, 10, 20, 5]);
    const write = vi.spyOn(time.redis, 'fleetPace');
    for (let n = 0; n < 5; n += 1) await leader.tick();
    expect(write).not.toHaveBeenCalled();
  });

  it('counts neither scheduled messages, nor those of pages that may not send', async () => {
    const leader = await join({ rate: '50/s' });
    await fill(0);
    await time.redis.del(`${rootOf(0)}turns`);
    await time.redis.zadd(`${rootOf(1)}send:waiting-children`, 0, 'm');
    await time.redis.zadd(`${rootOf(1)}due`, START + 1e6, '1:m');
    await fill(3);
    for (let n = 0; n < 10; n += 1) await leader.tick();
    expect((await ratesNow())[3]).toBeGreaterThan(40);
  });

  it('that is changed reaches all of them with the next tick, and wakes their workers if they may send faster', async () => {
    const leader = await join({ rate: '50/s', pageRate: '10/s' });
    const marked = async (): Promise<number> => await time.redis.exists(...roots.map((root) => `${root}send:marker`));
    await time.redis.del(...roots.map((root) => `${root}send:marker`));
    await writeLimits(time.redis, NAMESPACE, { rate: '10/s' });
    await leader.tick();
    expect([await sumNow(), await marked()]).toEqual([expect.closeTo(10, 3), 0]);
    await writeLimits(time.redis, NAMESPACE, { rate: '100/s' });
    await leader.tick();
    expect([await sumNow(), await marked()]).toEqual([expect.closeTo(100, 3), SHARDS]);
    await writeLimits(time.redis, NAMESPACE, { rate: 'none' });
    await leader.tick();
    expect(await sumNow()).toBe(Infinity);
    await writeLimits(time.redis, NAMESPACE, { rate: null });
    await leader.tick();
    expect(await sumNow()).toBeCloseTo(50, 3);
  });

  it('of each page that is raised brings back the pages that wait for a slot of the old one', async () => {
    const leader = await join({ pageRate: '1/h' });
    await time.redis.zadd(`${rootOf(1)}paced`, START + 3_600_000, 'p1', START + 1000, 'p2');
    await writeLimits(time.redis, NAMESPACE, { pageRate: '2/h' });
    await time.redis.del(`${rootOf(1)}send:marker`);
    await leader.tick();
    expect(await time.redis.zcount(`${rootOf(1)}paced`, 0, START)).toBe(2);
    expect(await time.redis.exists(`${rootOf(1)}send:marker`)).toBe(1);
  });

  it('is never exceeded while it moves, whatever writes fail, with an answer or without', async () => {
    const leader = await join({ rate: '50/s burst 6' });
    const write = time.redis.fleetPace.bind(time.redis);
    const sums: number[] = [];
    const bursts: number[] = [];
    let nth = 0;
    vi.spyOn(time.redis, 'fleetPace').mockImplementation(async (...args) => {
      nth += 1;
      if (nth % 5 === 1) throw new Error('lost on its way');
      const reply = await write(...args);
      sums.push(await sumNow());
      const paces = await Promise.all(roots.map((root) => readPace(time.redis, root)));
      bursts.push(paces.reduce((total, { pace }) => total + (pace?.burst ?? 0), 0));
      if (nth % 5 === 3) throw new Error('the answer was lost');
      return reply;
    });
    for (const busy of [[0], [1, 2], [3], [0, 1, 2, 3], [2], []]) {
      await Promise.all(roots.map((_, shard) => (busy.includes(shard) ? fill(shard) : drain(shard))));
      for (let n = 0; n < 3; n += 1) await leader.tick().catch(() => {});
    }
    expect(sums.length).toBeGreaterThan(20);
    expect(Math.max(...sums)).toBeLessThanOrEqual(50.000001);
    expect(Math.max(...bursts)).toBeLessThanOrEqual(6);
  });

  it('is given out again only when what was reserved of it has left', async () => {
    const leader = await join({ rate: '40/s' });
    await fill(0);
    // Shard 1 has slots of its old pace (one each 100 ms) until 400 ms from now.
    await time.redis.hset(`${rootOf(1)}fleet`, 'tat', START + 500);
    let raisedAfterMs = 0;
    let loweredAt = 0;
    const write = time.redis.fleetPace.bind(time.redis);
    vi.spyOn(time.redis, 'fleetPace').mockImplementation(async (...args) => {
      if (args[0] === `${rootOf(0)}fleet`) raisedAfterMs ||= performance.now() - loweredAt;
      const reply = await write(...args);
      loweredAt = performance.now();
      return reply;
    });
    await leader.tick();
    expect(raisedAfterMs).toBeGreaterThanOrEqual(395);
  });

  it('leaves the other shards alone when one does not answer, and gives away nothing of its share', async () => {
    const leader = await join({ rate: '40/s' });
    const read = time.redis.hmget.bind(time.redis);
    const { promise: never } = Promise.withResolvers<never>();
    const reads = vi
      .spyOn(time.redis, 'hmget')
      .mockImplementation(async (key, ...fields) =>
        key === `${rootOf(1)}fleet` ? await never : await read(key, ...(fields as string[])),
      );
    await Promise.all([0, 1, 2, 3].map((shard) => fill(shard, shard === 0 ? 100 : 1)));
    for (let n = 0; n < 3; n += 1) await leader.tick();
    // It is not asked again before it has answered.
    expect(reads.mock.calls.filter(([key]) => key === `${rootOf(1)}fleet`)).toHaveLength(1);
    vi.restoreAllMocks();
    const [first = 0, away = 0] = await ratesNow();
    expect(away).toBeCloseTo(10, 3);
    expect(first).toBeGreaterThan(25);
    expect(await sumNow()).toBeLessThanOrEqual(40.000001);
  });

  it('tells of an error after all shards had their turn', async () => {
    const leader = await join({ rate: '40/s' });
    await time.redis.del(`${rootOf(1)}fleet`);
    await time.redis.set(`${rootOf(1)}fleet`, 'what is no hash');
    await writeLimits(time.redis, NAMESPACE, { rate: '20/s' });
    await expect(leader.tick()).rejects.toThrow('WRONGTYPE');
    await time.redis.del(`${rootOf(1)}fleet`);
    await leader.tick();
    const rates = await ratesNow();
    for (const rate of rates) expect(rate).toBeCloseTo(5, 3);
  });
});

describe('a shard whose pace changes', () => {
  /** @returns when the next message is due, in ms from now, after a change. */
  async function dueAfter(
    [beforeMs, beforeBurst, dueInMs]: [number, number, number],
    [intervalMs, burst]: [number, number],
  ): Promise<number> {
    const rest = { pageIntervalMs: 0, pageBurst: 1 };
    await writePace(time.redis, rootOf(0), 1, { intervalMs: beforeMs, burst: beforeBurst, ...rest });
    await time.redis.hset(`${rootOf(0)}fleet`, 'tat', START + dueInMs);
    await writePace(time.redis, rootOf(0), 1, { intervalMs, burst, ...rest });
    return Number(await time.redis.hget(`${rootOf(0)}fleet`, 'tat')) - START;
  }

  it.each<[string, [number, number, number], [number, number], number]>([
    ['keeps the part of its interval that has passed, when it is faster', [4000, 1, 3000], [40, 1], 30],
    ['and when it is slower', [40, 1, 30], [4000, 1], 3000],
    ['may send at once if it might before', [40, 1, -100], [4000, 1], 0],
    ['keeps the slots that are reserved, and goes on from the last one', [40, 1, 440], [4000, 1], 400 + 4000],
    ['goes on from the last one also when it is faster', [40, 1, 440], [10, 1], 400 + 10],
    ['is given no burst anew', [40, 1, 0], [40, 10], 360],
    ['keeps what is left of its burst', [40, 10, 120], [20, 10], 60],
    ['loses what is more than its burst', [40, 10, 0], [40, 1], 0],
    ['trusts no time that was written before the clock stepped back', [40, 1, 600_000], [40, 1], 540],
  ])('%s', async (_what, before, after, expected) => {
    expect(await dueAfter(before, after)).toBeCloseTo(expected, 2);
  });
});
