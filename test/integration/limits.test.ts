import { describe, expect, it } from 'vitest';
import { tickIn } from '../../src/shared/lanes/fleet/leader.ts';
import { writePace } from '../../src/shared/lanes/fleet/limits.ts';
import type { Turn, TurnAnswer } from '../../src/shared/lanes/messages/settle-and-take.ts';
import { longestGapMs, mostWithin } from '../chaos/pace.ts';
import { START, useSimulatedTime } from '../support/limits/simulated-time.ts';
import { textMessage } from '../support/messages.ts';
import { useLanes } from '../support/use-lanes.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';

const LEADER = { workerId: 'leader', keepDoneMs: 1e12, keepDone: 1000, keepEvents: 1000, lockMs: 60_000 };
const NO_LIMITS = { intervalMs: 0, burst: 1, pageIntervalMs: 0, pageBurst: 1 };

describe('messages under a limit', () => {
  const time = useSimulatedTime();
  const lanes = useLanes(time);

  async function storeInto(conversations: readonly string[], page = 'p1', priority?: 'high'): Promise<string[]> {
    return await lanes.storeInto(conversations, { page, ttlMs: 1e9, ...(priority ? { priority } : {}) });
  }

  async function turnAt(afterMs: number, turn: Partial<Turn> = {}): Promise<TurnAnswer> {
    await time.goTo(START + afterMs);
    return await lanes.turn(turn);
  }

  async function takenAt(afterMs: number, turn?: Partial<Turn>): Promise<string[]> {
    return (await turnAt(afterMs, turn)).taken.map(({ id }) => id);
  }

  describe('of the fleet', () => {
    it('leave at once as far as its burst goes; then the worker has slots for the next half second', async () => {
      await lanes.rules({ intervalMs: 200, burst: 3 });
      const ids = await storeInto(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
      const { taken, slotsMs } = await turnAt(0);
      expect(taken.map(({ id }) => id)).toEqual(ids.slice(0, 3));
      expect(slotsMs).toEqual([200, 400]);
    });

    it('have no more slots than the worker has places for, one after the other for all workers', async () => {
      await lanes.rules({ intervalMs: 50 });
      await storeInto(['a', 'b', 'c', 'd', 'e', 'f']);
      expect((await turnAt(0, { places: 3 })).slotsMs).toEqual([50, 100]);
      expect((await turnAt(0, { places: 2, token: 'other' })).slotsMs).toEqual([]);
      expect((await turnAt(0, { places: 2, token: 'other', look: 'woken' })).slotsMs).toEqual([150, 200]);
    });

    it('leave at a slot by their priority, however late they came', async () => {
      await lanes.rules({ intervalMs: 600 });
      await storeInto(['a', 'b']);
      await turnAt(0);
      const [urgent] = await storeInto(['c'], 'p1', 'high');
      expect(await takenAt(600, { places: 1, dueSlots: 1 })).toEqual([urgent]);
    });

    it('lose nothing but slots by a worker that dies with them', async () => {
      await lanes.rules({ intervalMs: 100 });
      const ids = await storeInto(['a', 'b', 'c']);
      expect((await turnAt(0)).slotsMs).toEqual([100, 200]);
      expect(await takenAt(1000, { places: 1 })).toEqual(ids.slice(1, 2));
      expect(await takenAt(1100, { places: 1 })).toEqual(ids.slice(2));
    });

    it.each([true, false])(
      'get no slots twice when Redis’s clock steps forward, whether the leader notes that first: %s',
      async (isLeaderFirst) => {
        await lanes.rules({ intervalMs: 50 });
        await storeInto(Array.from({ length: 40 }, (_, n) => `c${n}`));
        await tickIn(lanes.shard, LEADER);
        expect((await turnAt(0)).slotsMs).toHaveLength(10);
        await time.step(600_000);
        if (isLeaderFirst) await tickIn(lanes.shard, LEADER);
        await time.pass(10);
        const { taken, slotsMs } = await lanes.turn({ token: 'other', look: 'woken' });
        expect(taken).toEqual([]);
        expect(Math.min(...slotsMs)).toBeGreaterThanOrEqual(490);
      },
    );

    it('stay where they are until somebody has said what the limit is', async () => {
      await time.redis.hdel(`${lanes.shard.root}fleet`, 'intervalMs');
      await storeInto(['a']);
      expect(await turnAt(0)).toMatchObject({ taken: [], lookAgainMs: 500 });
    });
  });

  describe('of a page', () => {
    it('leave one by one, and one worker is told when to look again', async () => {
      await lanes.rules({ pageIntervalMs: 1000 });
      const ids = await storeInto(['a', 'b', 'c']);
      expect(await turnAt(0)).toMatchObject({ taken: [{ id: ids[0] }], lookAgainMs: 1000 });
      expect(await turnAt(400, { token: 'other' })).toMatchObject({ taken: [], lookAgainMs: null });
      expect(await turnAt(1000, { look: 'woken' })).toMatchObject({ taken: [{ id: ids[1] }], lookAgainMs: 1000 });
    });

    it('leave other pages alone', async () => {
      await lanes.rules({ pageIntervalMs: 60_000 });
      const [first] = await storeInto(['a', 'b'], 'p1');
      const [other] = await storeInto(['a'], 'p2');
      expect(new Set(await takenAt(0))).toEqual(new Set([first, other]));
    });

    it('go in the order of their conversation', async () => {
      await lanes.rules({ pageIntervalMs: 1000, pageBurst: 3 });
      const [first, second] = await storeInto(['a', 'a']);
      const { taken } = await turnAt(0);
      expect(taken).toMatchObject([{ id: first }]);
      for (const one of taken) await lanes.settle(one, { kind: 'delivered', elapsedMs: 1 });
      expect(await takenAt(0)).toEqual([second]);
    });

    it('use no slot of the fleet while they wait', async () => {
      await lanes.rules({ intervalMs: 100, pageIntervalMs: 10_000 });
      await storeInto(['a', 'b'], 'p1');
      await turnAt(0);
      await turnAt(500);
      const [other] = await storeInto(['a'], 'p2');
      expect(await takenAt(600)).toEqual([other]);
    });

    it.each([
      ['is raised', { pageIntervalMs: 100 }, 120],
      ['is lifted', {}, 1],
    ])('leave soon when it %s', async (_what, pace, withinMs) => {
      await lanes.rules({ pageIntervalMs: 3_600_000 });
      const [, second] = await storeInto(['a', 'b']);
      await turnAt(0);
      await writePace(time.redis, lanes.shard.root, 1, { ...NO_LIMITS, ...pace });
      expect(await time.redis.zcard(`${lanes.shard.root}send:marker`)).toBe(1);
      const { taken, lookAgainMs } = await turnAt(1, { look: 'due' });
      const seen = taken.length > 0 ? taken : (await turnAt(1 + (lookAgainMs ?? 0), { look: 'woken' })).taken;
      expect(seen).toMatchObject([{ id: second }]);
      expect(lookAgainMs ?? 0).toBeLessThanOrEqual(withinMs);
    });
  });

  it.each([
    ['of the fleet', { intervalMs: 100 }],
    ['of a page', { pageIntervalMs: 100 }],
  ])('%s go on when Redis’s clock steps ten minutes back', async (_whose, limits) => {
    await lanes.rules(limits);
    await storeInto(['a']);
    expect(await takenAt(0)).toHaveLength(1);
    await time.step(-600_000);
    const [id] = await storeInto(['b'], 'p1');
    const { taken, lookAgainMs } = await lanes.turn({ look: 'due' });
    expect(taken).toEqual([]);
    expect(lookAgainMs).toBeLessThanOrEqual(1000);
    await time.redis.zadd(`${lanes.shard.root}turns`, 0, 'p1');
    await time.pass(700);
    expect((await lanes.turn({ look: 'woken' })).taken).toMatchObject([{ id }]);
  });
});

describe('workers under a limit', () => {
  /** Between two messages at the rate of these tests. */
  const INTERVAL_MS = 50;
  const used = useRedis();

  it.each([
    ['of the fleet', { rateLimit: '20/s burst 3' }],
    ['of a page', { pageRateLimit: '20/s burst 3' }],
  ])('keep to the one %s together, as the API sees it', async (_whose, config) => {
    await using site = await install(used, { config });
    site.startWorker();
    const items = Array.from({ length: 60 }, (_, n) => textMessage(`c${n}`, 1));
    await site.producer.enqueueMessages(items);
    await site.api.waitForAccepted(60, { timeoutMs: 100_000 });
    const arrivals = site.api.accepted.map(({ at }) => at).toSorted((one, other) => one - other);
    // What was due while the machine stood still comes together after it, and a rate that is too high leaves no such gap.
    const gapMs = longestGapMs(arrivals, arrivals[0] ?? 0, arrivals.at(-1) ?? 0);
    const late = Math.max(0, Math.floor(gapMs / INTERVAL_MS) - 1);
    expect(mostWithin(arrivals, 1000)).toBeLessThanOrEqual(25 + late);
    expect(site.api.report()).toMatchObject({ accepted: 60, duplicates: { count: 0 } });
  });
});
