import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claim } from '../../src/shared/lanes/claim.ts';
import { askGate } from '../../src/shared/lanes/fleet.ts';
import { type FleetRules, registerWorker } from '../../src/shared/lanes/register.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { formatRateLimit, parseRateLimit, type RateLimit } from '../../src/shared/rate-limit.ts';
import { createAdmission } from '../../src/worker/admit.ts';
import { createFleet } from '../../src/worker/fleet.ts';
import { createKeyring } from '../../src/worker/keyring.ts';
import { type Lanes, openLanes } from '../support/lanes.ts';
import { byPage, deviationFrom, disorderIn, excessIn, slotsOf } from '../support/limits/checks.ts';
import { type Arrival, type Conditions, type Go, simulate } from '../support/limits/simulate.ts';
import { type SimulatedTime, START, startSimulatedTime } from '../support/limits/simulated-time.ts';

const NAMESPACE = 'limits';
/** Who comes back later than this has lost its slot. */
const SLOT_LASTS_MS = 10_000;
/** By so much what was late may leave too early. */
const LEAVING_EARLY_MS = 20;

const anyLimit = fc
  .record({
    count: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 1000 })),
    unit: fc.constantFrom('s' as const, 'min' as const),
    burst: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 12 })),
  })
  .map(({ count, unit, burst }): RateLimit => {
    const limit = parseRateLimit(`${count}/${unit} burst ${burst}`);
    if (!limit) throw new Error('no limit');
    return limit;
  });

const letter = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
/** All at once, or spread over a few seconds. */
const anyArrivals = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom(0, 1, 5000)).chain(([pages, spanMs]) =>
  fc.array(
    fc.record<Arrival>({
      afterMs: fc.nat(spanMs),
      page: fc.nat(pages - 1).map((n) => `p${n}`),
      conversation: letter,
    }),
    { minLength: 1, maxLength: 30 },
  ),
);
/** A fair share, or fixed by an operator. */
const anyWindow = fc.constantFrom(0, 1, 2, 10);
const anyLateness = fc.infiniteStream(fc.nat(SLOT_LASTS_MS));
const anySendMs = fc.infiniteStream(fc.constantFrom(0, 0, 1, 30, 400));

const onTime: Pick<Conditions, 'sendMs' | 'comesBackAt'> = { sendMs: () => 0, comesBackAt: (dueMs) => dueMs };
const RUNS = { numRuns: 40 };
const logger = createLogger({ level: 'silent' });

describe('the limits, whatever comes when', () => {
  let time: SimulatedTime;
  let lanes: Lanes;
  beforeAll(async () => {
    time = await startSimulatedTime();
    lanes = await openLanes(time.redis, NAMESPACE);
  });
  afterAll(async () => await time.stop());

  const atPages: Pick<Conditions, 'claim'> = {
    claim: async ({ id, token }) => await claim(lanes.shard, { id, token, attempt: token }),
  };

  async function begin(rules: Partial<FleetRules>): Promise<void> {
    await time.begin();
    await registerWorker(lanes.shard, 'w', null, { window: 0, pageLimit: null, limit: null, ...rules });
  }

  /** As a worker asks, whose variables say this. */
  async function beginFleet({ limit, pageLimit, window = 0 }: Partial<FleetRules>): Promise<Conditions['claim']> {
    await time.begin();
    const config = {
      namespace: NAMESPACE,
      timeoutMs: 1000,
      rateLimit: limit ? formatRateLimit(limit) : undefined,
      pageRateLimit: pageLimit ? formatRateLimit(pageLimit) : undefined,
      pageParallelism: window === 0 ? ('auto' as const) : window,
    };
    const fleet = createFleet(time.redis, config, logger);
    await fleet.refresh();
    await registerWorker(lanes.shard, 'w', null, fleet.rules());
    const admit = createAdmission(
      fleet,
      createKeyring(() => 'key', 1000, logger),
    );
    const applicant = { payload: null, onUnknownOutcome: 'resend' } as const;
    return async ({ id, token }) => (await admit(lanes.shard, { id, token, attempt: token }, applicant)).answer;
  }

  async function run(arrivals: readonly Arrival[], conditions: Omit<Conditions, 'lanes' | 'time'>): Promise<Go[]> {
    return await simulate(arrivals, { lanes, time, ...conditions });
  }

  it('of a page are kept to the ms and waste nothing, and each message is put off once at most', async () => {
    const property = fc.asyncProperty(anyLimit, anyWindow, anyArrivals, async (pageLimit, window, arrivals) => {
      await begin({ pageLimit, window });
      const goes = await run(arrivals, { ...atPages, ...onTime });
      for (const [page, some] of byPage(goes)) {
        expect(excessIn(timesOf(some), pageLimit)).toBeNull();
        const ofPage = arrivals.filter((arrival) => arrival.page === page);
        expect(deviationFrom(slotsOf(ofPage, pageLimit), timesOf(some))).toBeNull();
      }
      expect(disorderIn(goes)).toBeNull();
      expect(mostPutOffs(goes)).toBeLessThanOrEqual(1);
    });
    await fc.assert(property, RUNS);
  });

  it('of a page are kept however long requests take and however late, within a second, messages come back', async () => {
    const conditions = fc.record({ sendMs: anySendMs, lateMs: fc.oneof(fc.constant(null), anyLateness) });
    const property = fc.asyncProperty(
      fc.record({ pageLimit: anyLimit, window: anyWindow }),
      anyArrivals,
      conditions,
      async (rules, arrivals, { sendMs, lateMs }) => {
        await begin(rules);
        const comesBackAt = (dueMs: number): number => dueMs + (lateMs ? next(lateMs) : 0);
        const goes = await run(arrivals, { ...atPages, comesBackAt, sendMs: () => next(sendMs) });
        for (const [, some] of byPage(goes)) {
          expect(excessIn(timesOf(some), rules.pageLimit, lateMs ? SLOT_LASTS_MS : 0)).toBeNull();
          expect(excessIn(timesOf(some), leaving(rules.pageLimit), LEAVING_EARLY_MS)).toBeNull();
        }
        expect(disorderIn(goes)).toBeNull();
        if (!lateMs) expect(mostPutOffs(goes)).toBeLessThanOrEqual(1);
      },
    );
    await fc.assert(property, RUNS);
  });

  it('of a page are kept when nobody works for a while and all that was put off comes back at once', async () => {
    const anyStop = fc.record({ fromMs: fc.nat(3000), lengthMs: fc.integer({ min: SLOT_LASTS_MS, max: 20_000 }) });
    const property = fc.asyncProperty(anyLimit, anyArrivals, anyStop, async (pageLimit, arrivals, stop) => {
      await begin({ pageLimit });
      const [from, to] = [START + stop.fromMs, START + stop.fromMs + stop.lengthMs];
      const comesBackAt = (dueMs: number): number => (dueMs >= from && dueMs < to ? to : dueMs);
      const goes = await run(arrivals, { ...atPages, ...onTime, comesBackAt });
      for (const [, some] of byPage(goes)) {
        expect(excessIn(timesOf(some), pageLimit, SLOT_LASTS_MS)).toBeNull();
        expect(excessIn(timesOf(some), leaving(pageLimit), LEAVING_EARLY_MS)).toBeNull();
      }
      expect(disorderIn(goes)).toBeNull();
      // To its slot, to a new one, and to when it may leave after those that were late with it.
      expect(mostPutOffs(goes)).toBeLessThanOrEqual(3);
    });
    await fc.assert(property, RUNS);
  });

  it('of the fleet are kept to the ms by the gate, which wastes nothing', async () => {
    const anyTimes = fc.array(fc.record({ afterMs: fc.nat(2000) }), { minLength: 1, maxLength: 40 });
    const property = fc.asyncProperty(anyLimit, anyTimes, async (limit, asks) => {
      await time.begin();
      const grants: number[] = [];
      for (const { afterMs } of asks.toSorted((a, b) => a.afterMs - b.afterMs)) {
        await time.goTo(START + afterMs);
        const answer = await askGate(time.redis, NAMESPACE, { limit, probeMs: 1000, circuits: ['api', 'key:x'] });
        expect(['go', 'slot']).toContain(answer.verdict);
        grants.push(afterMs + ('delayMs' in answer ? answer.delayMs : 0));
      }
      expect(excessIn(grants, limit)).toBeNull();
      expect(deviationFrom(slotsOf(asks, limit), grants)).toBeNull();
    });
    await fc.assert(property, { numRuns: 100 });
  });

  it('of the fleet are kept over all pages, and waste nothing when all come back on time', async () => {
    const anyLateMs = fc.oneof(fc.constant(null), anyLateness);
    const property = fc.asyncProperty(anyLimit, anyWindow, anyArrivals, anyLateMs, async (...given) => {
      const [limit, window, arrivals, lateMs] = given;
      const comesBackAt = (dueMs: number): number => dueMs + (lateMs ? next(lateMs) : 0);
      const goes = await run(arrivals, { ...onTime, comesBackAt, claim: await beginFleet({ limit, window }) });
      expect(excessIn(timesOf(goes), limit, lateMs ? SLOT_LASTS_MS : 0)).toBeNull();
      expect(excessIn(timesOf(goes), leaving(limit), LEAVING_EARLY_MS)).toBeNull();
      expect(disorderIn(goes)).toBeNull();
      if (lateMs) return;
      expect(deviationFrom(slotsOf(arrivals, limit), timesOf(goes))).toBeNull();
      expect(mostPutOffs(goes)).toBeLessThanOrEqual(1);
    });
    await fc.assert(property, RUNS);
  });

  const anyRules = fc.record({ limit: anyLimit, pageLimit: anyLimit, window: anyWindow });

  it('of the fleet are kept beside those of pages', async () => {
    const property = fc.asyncProperty(anyRules, anyArrivals, anySendMs, async (rules, arrivals, sendMs) => {
      const conditions = { ...onTime, claim: await beginFleet(rules), sendMs: () => next(sendMs) };
      const goes = await run(arrivals, conditions);
      expect(excessIn(timesOf(goes), rules.limit)).toBeNull();
      expect(disorderIn(goes)).toBeNull();
    });
    await fc.assert(property, RUNS);
  });

  it('of pages are kept beside the one of the fleet', async () => {
    const property = fc.asyncProperty(anyRules, anyArrivals, async (rules, arrivals) => {
      const goes = await run(arrivals, { ...onTime, claim: await beginFleet(rules) });
      for (const [, some] of byPage(goes)) expect(excessIn(timesOf(some), rules.pageLimit)).toBeNull();
    });
    const limitOf = (perSecond: number): RateLimit => ({
      count: perSecond,
      unit: 's',
      intervalMs: 1000 / perSecond,
      burst: 1,
    });
    // The fleet's limit puts off the first of a page until the second one has its slot, too.
    const late = { limit: limitOf(2), pageLimit: limitOf(1), window: 0 };
    const busy = ['p1', 'p0', 'p0'].map((page) => ({ afterMs: 0, page, conversation: 'a' }));
    await fc.assert(property, { ...RUNS, examples: [[late, busy]] });
  });
});

function next<T>(stream: Iterator<T>): T {
  return stream.next().value as T;
}

/** What was late leaves a little faster than the limit. */
function leaving({ intervalMs, burst }: RateLimit): Pick<RateLimit, 'intervalMs' | 'burst'> {
  return { intervalMs: 0.97 * intervalMs, burst };
}

function timesOf(goes: readonly Go[]): number[] {
  return goes.map(({ atMs }) => atMs - START);
}

function mostPutOffs(goes: readonly Go[]): number {
  return Math.max(...goes.map(({ putOffs }) => putOffs));
}
