import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ShardPace, writePace } from '../../src/shared/lanes/fleet/limits.ts';
import { anyUpTo } from '../support/limits/any-up-to.ts';
import { byPage, crowdIn, disorderIn, longestPause, lossIn, slotsOf } from '../support/limits/checks.ts';
import { type Arrival, type Conditions, type Go, simulate } from '../support/limits/simulate.ts';
import { useSimulatedTime } from '../support/limits/simulated-time.ts';
import { useLanes } from '../support/use-lanes.ts';

/** By so much workers may be late that wake. */
const LATE_MS = 15;
/** How far ahead slots are reserved. */
const AHEAD_MS = 500;
/** What a step of Redis's clock may cost. */
const PAUSE_MS = 2000;
const TEN_MINUTES_MS = 600_000;
const RUNS = { numRuns: 12 };

interface Limit {
  intervalMs: number;
  burst: number;
}

interface Limits {
  limit?: Limit | undefined;
  pageLimit?: Limit | undefined;
}

interface Fleet {
  workers: number;
  pages: number;
  /** At most; a worker has places for what a limit lets through meanwhile. */
  sendMs: number;
  lateMs: number;
  seed: number;
}

const limitOf = (perSecond: number, burst: number): Limit => ({ intervalMs: 1000 / perSecond, burst });
const anyBurst = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 12 }));
const anyLimit = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 60 })).chain((perSecond) => {
  return anyBurst.map((burst) => limitOf(perSecond, burst));
});
const anyFleet = fc.record<Fleet>({
  workers: fc.integer({ min: 1, max: 4 }),
  pages: fc.integer({ min: 1, max: 3 }),
  sendMs: fc.constantFrom(5, 80),
  lateMs: fc.constantFrom(0, LATE_MS),
  seed: fc.integer(),
});
const anyArrivals = fc.array(fc.record({ afterMs: fc.nat(4000), page: fc.nat(2), conversation: fc.nat(9) }), {
  minLength: 1,
  maxLength: 60,
});
const anyStall = fc.record({
  fromMs: fc.integer({ min: 100, max: 1500 }),
  lengthMs: fc.integer({ min: 100, max: 8000 }),
});

describe('the limits, whatever comes when', () => {
  const time = useSimulatedTime();
  const lanes = useLanes(time);

  async function run(
    arrivals: readonly Arrival[],
    limits: Limits,
    { workers, sendMs, lateMs, seed }: Fleet,
    more: Partial<Conditions> = {},
  ): Promise<Go[]> {
    await time.begin();
    await lanes.rules({ concurrency: workers * 50, ...paceOf(limits) });
    const upTo = anyUpTo(seed);
    const goes = await simulate(arrivals, {
      lanes,
      time,
      workers: Array.from({ length: workers }, () => 50),
      sendMs: () => upTo(sendMs),
      lateMs: () => upTo(lateMs),
      ...more,
    });
    expect(disorderIn(goes)).toBeNull();
    return goes;
  }

  function expectKept(goes: readonly Go[], { limit, pageLimit }: Limits): void {
    if (limit) expect(crowdIn(timesOf(goes), limit)).toBeNull();
    if (!pageLimit) return;
    for (const [page, some] of byPage(goes)) expect(crowdIn(timesOf(some), pageLimit), page).toBeNull();
  }

  function expectUsed(goes: readonly Go[], arrivals: readonly Arrival[], limit: Limit, exceptMs = 50): void {
    const tolerance = { part: 0.97, exceptMs: exceptMs + limit.intervalMs };
    expect(lossIn(slotsOf(arrivals, limit), timesOf(goes), tolerance)).toBeNull();
  }

  /** As `expectUsed`, for the limit of each page. */
  function expectUsedByPage(goes: readonly Go[], arrivals: readonly Arrival[], limit: Limit, slackMs?: number): void {
    for (const [page, some] of byPage(goes)) {
      const toPage = arrivals.filter((one) => one.page === page);
      expectUsed(some, toPage, limit, slackMs);
    }
  }

  const clockSteps = { afterMs: 1000, run: async () => await time.step(-TEN_MINUTES_MS) };

  describe('of the fleet', () => {
    it('are kept, and hardly anything is wasted while there is work', async () => {
      const property = fc.asyncProperty(anyLimit, anyFleet, async (limit, fleet) => {
        const arrivals = backlog(limit, fleet.pages, limit.intervalMs > 1 ? 3 : 1);
        const goes = await run(arrivals, { limit }, fleet);
        expectKept(goes, { limit });
        expectUsed(goes, arrivals, limit);
      });
      const fast: Fleet = { workers: 2, pages: 2, sendMs: 5, lateMs: LATE_MS, seed: 1 };
      await fc.assert(property, {
        ...RUNS,
        examples: [
          [limitOf(1000, 1), fast],
          [limitOf(1000, 1), { ...fast, workers: 1 }],
        ],
      });
    });

    it('are kept, and what comes now and then leaves as soon as it may', async () => {
      const property = fc.asyncProperty(anyLimit, anyFleet, anyArrivals, async (limit, fleet, some) => {
        const arrivals = some.map(({ afterMs, page }, n) => arrival(afterMs, page, n));
        const goes = await run(arrivals, { limit }, fleet);
        expectKept(goes, { limit });
        expectUsed(goes, arrivals, limit, 100);
      });
      await fc.assert(property, RUNS);
    });

    it('are kept with few conversations, too', async () => {
      const property = fc.asyncProperty(anyLimit, anyFleet, anyArrivals, async (limit, fleet, some) => {
        const arrivals = some.map(({ afterMs, page, conversation }) => arrival(afterMs, page, conversation));
        expectKept(await run(arrivals, { limit }, fleet), { limit });
      });
      await fc.assert(property, RUNS);
    });

    it('are kept after all workers stood still', async () => {
      const property = fc.asyncProperty(anyLimit, anyFleet, anyStall, async (limit, fleet, { fromMs, lengthMs }) => {
        const stall = { fromMs, toMs: fromMs + lengthMs };
        const arrivals = backlog(limit, fleet.pages, 4);
        const goes = await run(arrivals, { limit }, fleet, { stall });
        expectKept(goes, { limit });
        expectUsed(goes, arrivals, limit, lengthMs + AHEAD_MS);
      });
      await fc.assert(property, RUNS);
    });

    it('count as soon as they have changed, but for the slots that are reserved', async () => {
      const changed = fc.record({ before: anyLimit, after: anyLimit });
      const property = fc.asyncProperty(changed, anyFleet, async ({ before, after }, fleet) => {
        const arrivals = backlog(before, fleet.pages, 1);
        for (const { page } of backlog(after, fleet.pages, 3)) {
          arrivals.push({ afterMs: 0, page, conversation: `c${arrivals.length}` });
        }
        const change = async (): Promise<void> => {
          await writePace(time.redis, lanes.shard.root, 1, paceOf({ limit: after }));
        };
        const goes = await run(arrivals, { limit: before }, fleet, { happenings: [{ afterMs: 700, run: change }] });
        const times = timesOf(goes);
        const [early, late] = [times.filter((at) => at < 700), times.filter((at) => at >= 700)];
        expectKept(goes.slice(0, early.length), { limit: before });
        expect(
          crowdIn(
            late.filter((at) => at >= 700 + AHEAD_MS + LATE_MS),
            after,
          ),
        ).toBeNull();
        expect(crowdIn(times, { ...faster(before, after), burst: before.burst + after.burst })).toBeNull();
        // A worker that has slots of the old limit looks when they are due.
        expect(longestPause(late)).toBeLessThanOrEqual(Math.max(before.intervalMs, AHEAD_MS) + after.intervalMs + 100);
      });
      await fc.assert(property, RUNS);
    });
  });

  describe('of a page', () => {
    it('are kept, and hardly anything is wasted while there is work', async () => {
      const property = fc.asyncProperty(anyLimit, anyFleet, async (pageLimit, fleet) => {
        const arrivals = backlogOfEach(pageLimit, fleet.pages, 3);
        const goes = await run(arrivals, { pageLimit }, fleet);
        expectKept(goes, { pageLimit });
        expectUsedByPage(goes, arrivals, pageLimit);
      });
      await fc.assert(property, RUNS);
    });

    it('are kept, and what comes now and then leaves as soon as it may', async () => {
      const property = fc.asyncProperty(anyLimit, anyFleet, anyArrivals, async (pageLimit, fleet, some) => {
        const arrivals = some.map(({ afterMs, page }, n) => arrival(afterMs, page, n));
        const goes = await run(arrivals, { pageLimit }, fleet);
        expectKept(goes, { pageLimit });
        expectUsedByPage(goes, arrivals, pageLimit, 100);
      });
      await fc.assert(property, RUNS);
    });

    it('are kept after all workers stood still', async () => {
      const property = fc.asyncProperty(
        anyLimit,
        anyFleet,
        anyStall,
        async (pageLimit, fleet, { fromMs, lengthMs }) => {
          const stall = { fromMs, toMs: fromMs + lengthMs };
          const goes = await run(backlogOfEach(pageLimit, fleet.pages, 2), { pageLimit }, fleet, { stall });
          expectKept(goes, { pageLimit });
        },
      );
      await fc.assert(property, RUNS);
    });

    it('are kept beside the one of the fleet, and one of them is used', async () => {
      const limits = fc.record({ limit: anyLimit, pageLimit: anyLimit });
      const property = fc.asyncProperty(limits, anyFleet, async (both, fleet) => {
        const { limit, pageLimit } = both;
        const ofPages = { intervalMs: pageLimit.intervalMs / fleet.pages, burst: 1 };
        const slower = limit.intervalMs > ofPages.intervalMs ? limit : ofPages;
        const arrivals = backlog({ ...slower, burst: 1 }, fleet.pages, 3);
        const goes = await run(arrivals, both, fleet);
        expectKept(goes, both);
        const wholeMs = arrivals.length * slower.intervalMs;
        expect(Math.max(...timesOf(goes))).toBeLessThanOrEqual(1.1 * wholeMs + AHEAD_MS + 2 * pageLimit.intervalMs);
      });
      // A settlement used the last slot up and found nothing: its worker heard Redis no more.
      const both = { limit: limitOf(20, 2), pageLimit: limitOf(17, 4) };
      const deaf: Fleet = { workers: 1, pages: 1, sendMs: 80, lateMs: LATE_MS, seed: 2147483638 };
      await fc.assert(property, { ...RUNS, examples: [[both, deaf]] });
    });
  });

  it('are kept when Redis’s clock steps ten minutes back, and nothing stops for longer than two seconds', async () => {
    const anyLimits = fc.oneof(
      fc.record({ limit: anyLimit }),
      fc.record({ pageLimit: anyLimit }),
      fc.record<Limits>({ limit: anyLimit, pageLimit: anyLimit }),
    );
    const property = fc.asyncProperty(anyLimits, anyFleet, async (limits: Limits, fleet) => {
      const slowest = Math.max(limits.limit?.intervalMs ?? 0, limits.pageLimit?.intervalMs ?? 0);
      const arrivals = backlog({ intervalMs: slowest, burst: 1 }, fleet.pages, 4);
      const goes = await run(arrivals, limits, fleet, { happenings: [clockSteps] });
      expectKept(goes, limits);
      const burst = (limits.limit?.burst ?? 0) + (limits.pageLimit?.burst ?? 0);
      // The leader, the worker that it wakes, and the one that takes at the slot may each be late.
      const lateMs = 3 * fleet.lateMs;
      expect(longestPause(timesOf(goes))).toBeLessThanOrEqual(PAUSE_MS + (1 + burst) * slowest + lateMs);
    });
    await fc.assert(property, RUNS);
  });
});

function paceOf({ limit, pageLimit }: Limits): ShardPace {
  return {
    intervalMs: limit?.intervalMs ?? 0,
    burst: limit?.burst ?? 1,
    pageIntervalMs: pageLimit?.intervalMs ?? 0,
    pageBurst: pageLimit?.burst ?? 1,
  };
}

function arrival(afterMs: number, page: number, conversation: number): Arrival {
  return { afterMs, page: `p${page}`, conversation: `c${conversation}` };
}

function faster(one: Limit, other: Limit): Limit {
  return one.intervalMs < other.intervalMs ? one : other;
}

/** Work for so long at least, all of it there at the start, each message in a conversation of its own. */
function backlog({ intervalMs, burst }: Limit, pages: number, seconds: number): Arrival[] {
  const count = Math.max(4, Math.ceil((seconds * 1000) / intervalMs)) + burst;
  return Array.from({ length: count }, (_, n) => arrival(0, n % pages, n));
}

function backlogOfEach(limit: Limit, pages: number, seconds: number): Arrival[] {
  return Array.from({ length: pages }, (_, page) => {
    return backlog(limit, 1, seconds).map(({ afterMs, conversation }) => ({ afterMs, conversation, page: `p${page}` }));
  }).flat();
}

function timesOf(goes: readonly Go[]): number[] {
  return goes.map(({ atMs }) => atMs);
}
