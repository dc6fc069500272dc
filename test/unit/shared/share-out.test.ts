import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isSame,
  isWorthIt,
  larger,
  lowered,
  raised,
  type Share,
  shareOut,
  type ShardToShare,
} from '../../../src/worker/limits/share-out.ts';

const perSecond = (share: Share | null): number => (share === null ? 0 : 1000 / share.intervalMs);
const sumOf = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
/** A shard that can be written. */
const shardWith = (demand: Demand, share: Share | null): ShardToShare => ({ ...demand, share, isFixed: false });
const limitOf = (count: number, burst = 1): Share => ({ intervalMs: 1000 / count, burst });

type Demand = Pick<ShardToShare, 'pages' | 'waiting' | 'isIdle'>;
const idle: Demand = { pages: 0, waiting: 0, isIdle: true };
const calm: Demand = { pages: 3, waiting: 0, isIdle: false };
const busy = (pages = 3, waiting = 10_000): Demand => ({ pages, waiting, isIdle: false });

/** A leader that finds this demand, again and again, until it changes nothing any more. */
function settle(limit: Share, demands: readonly Demand[], before: readonly (Share | null)[] = []): Settled {
  let shares: readonly (Share | null)[] = demands.map((_, index) => before[index] ?? null);
  let changes = 0;
  for (let tick = 0; tick < 50; tick += 1) {
    const shards = demands.map((demand, index) => shardWith(demand, shares[index] ?? null));
    const targets = shareOut(limit, shards);
    const calmTicks = demands.some(({ waiting }) => waiting > 0) ? 0 : tick;
    if (!isWorthIt(limit, shards, targets, calmTicks)) continue;
    changes += 1;
    shares = targets;
  }
  return { shares, rates: shares.map(perSecond), changes };
}

interface Settled {
  shares: readonly (Share | null)[];
  rates: number[];
  changes: number;
}

const anyLimit = fc.record({
  intervalMs: fc.oneof(fc.double({ min: 0.01, max: 86_400_000, noNaN: true }), fc.constantFrom(20, 50, 1000 / 7)),
  burst: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 1000 })),
});
const anyDemand = fc.oneof(
  fc.constantFrom(idle, calm),
  fc.record({
    pages: fc.integer({ min: 0, max: 1000 }),
    waiting: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 100_000 })),
    isIdle: fc.boolean(),
  }),
);

describe('a share of the limit', () => {
  it('is all of it, exactly, for one shard', () => {
    fc.assert(
      fc.property(anyLimit, anyDemand, (limit, demand) => {
        expect(shareOut(limit, [{ ...demand, share: null, isFixed: false }])).toEqual([limit]);
        const shards = [{ ...demand, share: limit, isFixed: false }];
        expect(isWorthIt(limit, shards, shareOut(limit, shards), 0)).toBe(false);
      }),
    );
  });

  it('is no limit if there is none', () => {
    const unlimited = { intervalMs: 0, burst: 1 };
    expect(settle(unlimited, [busy(), idle])).toMatchObject({ shares: [unlimited, unlimited], changes: 1 });
    const shards = [busy(), idle].map((demand) => shardWith(demand, limitOf(25)));
    expect(raised(unlimited, shards, shareOut(unlimited, shards))).toEqual([unlimited, unlimited]);
  });

  it('is the same for all shards that have nothing to do', () => {
    const { rates } = settle(limitOf(50), [idle, idle, idle, idle]);
    for (const rate of rates) expect(rate).toBeCloseTo(12.5, 4);
  });

  it.each([2, 4, 16])(
    'is 98 parts in 100 or more for the only busy one of %d shards, and something for the others',
    (count) => {
      for (const others of [idle, { ...idle, pages: 2 }]) {
        const demands = Array.from({ length: count }, (_, index) => (index === 1 ? busy() : others));
        const { rates, changes } = settle(limitOf(50), demands);
        expect(rates[1]).toBeGreaterThanOrEqual(49);
        expect(Math.min(...rates)).toBeGreaterThan(0.02 / count);
        expect(changes).toBeLessThan(20);
      }
    },
  );

  it('goes by pages, not by messages: the backlog of one page takes nothing from the others', () => {
    const { rates } = settle(limitOf(50), [busy(1, 1_000_000), busy(9, 1000)]);
    expect(rates[0]).toBeCloseTo(5, 0);
    expect(rates[1]).toBeCloseTo(45, 0);
  });

  it('grows by no more than few messages need, while others wait', () => {
    const shards = [
      { ...busy(1, 2), share: limitOf(1), isFixed: false },
      { ...busy(1, 10_000), share: limitOf(49), isFixed: false },
    ];
    const [rate = 0] = shareOut(limitOf(50), shards).map(perSecond);
    expect(rate).toBeGreaterThan(3);
    expect(rate).toBeLessThan(5);
  });

  it('does not change while each shard sends all that comes, whatever it has', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 2, maxLength: 8 }), (parts) => {
        const limit = limitOf(100);
        const shares = parts.map((part) => ({ intervalMs: (10 * sumOf(parts)) / part, burst: 1 }));
        const shards = shares.map((share) => shardWith(calm, share));
        expect(isWorthIt(limit, shards, shareOut(limit, shards), 1)).toBe(false);
      }),
    );
  });

  it('becomes more even again when no shard has had messages waiting for some seconds', () => {
    const lopsided = [limitOf(49.25), limitOf(0.25), limitOf(0.25), limitOf(0.25)];
    const { rates, changes } = settle(limitOf(50), [idle, idle, idle, idle], lopsided);
    for (const rate of rates) expect(rate).toBeCloseTo(12.5, 4);
    expect(changes).toBe(1);
  });

  it('does not change any more once the demand stays the same', () => {
    fc.assert(
      fc.property(anyLimit, fc.array(anyDemand, { minLength: 1, maxLength: 8 }), (limit, demands) => {
        expect(settle(limit, demands).changes).toBeLessThan(40);
      }),
    );
  });

  it('never adds up to more than the limit, nor to less, and each shard has one', () => {
    fc.assert(
      fc.property(anyLimit, fc.array(anyDemand, { minLength: 1, maxLength: 20 }), (limit, demands) => {
        const { shares, rates } = settle(limit, demands);
        const total = sumOf(rates) * limit.intervalMs;
        expect(total).toBeLessThanOrEqual(1000 * (1 + 1e-9));
        expect(total).toBeGreaterThan(1000 * 0.98);
        expect(Math.min(...rates)).toBeGreaterThan(0);
        const bursts = shares.map((share) => share?.burst ?? 0);
        expect(Math.min(...bursts)).toBeGreaterThanOrEqual(1);
        expect(sumOf(bursts)).toBe(Math.max(limit.burst, demands.length));
      }),
    );
  });
});

type Write = 'done' | 'lost' | 'untold';
const anyWrite = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Write>('done') },
  fc.constantFrom<Write>('lost', 'untold'),
);

describe('a change of the shares', () => {
  const anyRound = fc.record({
    limit: anyLimit,
    demands: fc.array(anyDemand, { minLength: 5, maxLength: 5 }),
    writes: fc.array(anyWrite, { minLength: 10, maxLength: 10 }),
    /** Shards that can't be read. */
    away: fc.array(fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.boolean()), {
      minLength: 5,
      maxLength: 5,
    }),
  });

  it('never takes the sum above the limit, whatever write is lost, or carried out without an answer', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(anyRound, { minLength: 1, maxLength: 6 }),
        (count, rounds) => {
          let actual: (Share | null)[] = Array.from({ length: count }, () => null);
          const known: (Share | null)[] = [...actual];
          for (const { limit, demands, writes, away } of rounds) {
            const rates = (): number => sumOf(actual.map(perSecond));
            const bursts = (): number => sumOf(actual.map((share) => share?.burst ?? 0));
            const mostRate = Math.max(perSecond(limit) * (1 + 1e-6), rates());
            const mostBurst = Math.max(limit.burst, count, bursts());
            const states = actual.map((share, index) => {
              const isFixed = away[index] ?? false;
              if (!isFixed) known[index] = share;
              return { ...(demands[index] ?? idle), share: known[index] ?? null, isFixed };
            });
            const targets = shareOut(limit, states);
            let nth = 0;
            const write = (wanted: readonly (Share | null)[]): void => {
              for (const [index, state] of states.entries()) {
                const share = wanted[index] ?? null;
                const outcome = writes[(nth += 1)] ?? 'done';
                if (state.isFixed || isSame(share, state.share)) continue;
                if (outcome !== 'lost') actual = actual.with(index, share);
                state.isFixed = outcome !== 'done';
                state.share = outcome === 'done' ? share : larger(state.share, share);
                known[index] = state.share;
                expect(rates()).toBeLessThanOrEqual(mostRate);
                expect(bursts()).toBeLessThanOrEqual(mostBurst);
              }
            };
            write(states.map(({ share }, index) => lowered(share, targets[index] ?? limit)));
            write(raised(limit, states, targets));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('comes to its end when all writes are carried out', () => {
    fc.assert(
      fc.property(anyLimit, fc.array(anyDemand, { minLength: 2, maxLength: 6 }), (limit, demands) => {
        const before = shareOut(
          limit,
          demands.map(() => shardWith(idle, null)),
        );
        const states = demands.map((demand, index) => shardWith(demand, before[index] ?? null));
        const targets = shareOut(limit, states);
        const first = states.map(({ share, isFixed }, index) => {
          return { share: lowered(share, targets[index] ?? limit), isFixed };
        });
        expect(raised(limit, first, targets)).toEqual(targets);
      }),
    );
  });

  it('gives the others nothing of what a shard that is away may still use', () => {
    const shards = [
      { ...busy(), share: limitOf(40), isFixed: true },
      { ...busy(), share: limitOf(5), isFixed: false },
      { ...busy(), share: limitOf(5), isFixed: false },
    ];
    const rates = shareOut(limitOf(50), shards).map(perSecond);
    expect(rates[0]).toBeCloseTo(40, 4);
    expect(sumOf(rates)).toBeLessThanOrEqual(50);
    expect(rates[1]).toBeCloseTo(5, 4);
  });
});
