/**
 * Shares out the fleet's limit to several shards, so that no message needs a call to a second shard. The sum of the shares never
 * exceeds the limit, even while they change.
 */

/** A limit, or a shard's share of it. An interval of 0 is no limit. */
export interface Share {
  intervalMs: number;
  burst: number;
}

export interface ShardToShare {
  /** The shard's share now; `null` if it has none yet and hands out nothing. */
  share: Share | null;
  /** Whether the share can't be changed now, because the shard doesn't answer. */
  isFixed: boolean;
  /** Number of pages with work: pages, not messages, share the fleet. */
  pages: number;
  /** Number of messages that wait and may leave; 0 if the shard sends all of its messages at once. */
  waiting: number;
  /** Whether the shard has had nothing to do for some seconds. */
  isIdle: boolean;
}

/** The part of the limit that is always shared out evenly, so that the first message of an idle shard leaves at once. */
const FLOOR_PART = 0.02;
/** The part of its share that a shard without waiting messages is assumed to need when others need more. */
const CALM_NEED = 0.75;
/** A shard with waiting messages is assumed to need at most this multiple of its share, plus its number of waiting messages. */
const HUNGRY_GROWTH = 2;
/** A change by a smaller factor is not made: between taking from one shard and giving to another, a part of the limit is unused. */
const WORTH_IT = 1.1;
/** Seconds without waiting messages after which shares become more even again. */
const CALM_TICKS = 5;
/** Tolerance for rounding errors in sums. */
const ROUNDING = 1e-9;

/** Messages per second. */
function rateOf(share: Share | null): number {
  if (share === null) return 0;
  return share.intervalMs === 0 ? Infinity : 1000 / share.intervalMs;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Rounded so that the shares never add up to more than the limit. */
function shareOf(rate: number, burst: number): Share {
  return { intervalMs: Math.ceil(1e9 / rate) / 1e6, burst };
}

function withBurst({ intervalMs }: Share, burst: number): Share {
  return { intervalMs, burst };
}

/** The sum of all bursts: each shard needs a burst of at least one. */
function allBursts(limit: Share, shards: number): number {
  return Math.max(limit.burst, shards);
}

/** @returns the share that each shard should have. A fixed shard keeps what it has; a single shard has the whole limit. */
export function shareOut(limit: Share, shards: readonly ShardToShare[]): Share[] {
  if (limit.intervalMs === 0 || shards.length === 1) return shards.map(() => limit);
  const total = rateOf(limit);
  const fixed = shards.filter(({ isFixed }) => isFixed);
  const free = shards.filter(({ isFixed }) => !isFixed);
  const even = total / shards.length;
  const floor = FLOOR_PART * even;
  const rest = Math.max(0, total - sum(fixed.map(({ share }) => rateOf(share))) - floor * free.length);
  const filled = fill(
    rest,
    free.map((shard) => ({ most: Math.max(0, needOf(shard, even) - floor), weight: Math.max(1, shard.pages) })),
  );
  const spare = Math.max(0, rest - sum(filled)) / free.length;
  const rates = filled.map((rate) => floor + rate + spare);
  const burstsLeft = allBursts(limit, shards.length) - sum(fixed.map(({ share }) => share?.burst ?? 0));
  const bursts = divide(Math.max(free.length, burstsLeft), rates);
  const shares = new Map(free.map((shard, index) => [shard, shareOf(rates[index] ?? floor, bursts[index] ?? 1)]));
  return shards.map((shard) => shares.get(shard) ?? shard.share ?? limit);
}

function needOf({ share, waiting, isIdle }: ShardToShare, even: number): number {
  const rate = Math.min(rateOf(share), share?.intervalMs === 0 ? even : Infinity);
  if (waiting > 0) return HUNGRY_GROWTH * rate + waiting;
  return isIdle ? 0 : CALM_NEED * rate;
}

/** Divides an amount by weight, but gives each taker at most its `most`. */
function fill(amount: number, takers: readonly { most: number; weight: number }[]): number[] {
  const given = takers.map(() => 0);
  let open = takers.map((taker, index) => ({ ...taker, index }));
  let left = amount;
  while (open.length > 0) {
    const perWeight = left / sum(open.map(({ weight }) => weight));
    const isSatisfied = ({ most, weight }: { most: number; weight: number }): boolean => most <= perWeight * weight;
    const satisfied = open.filter(isSatisfied);
    for (const { index, most, weight } of satisfied.length > 0 ? satisfied : open) {
      given[index] = Math.min(most, perWeight * weight);
    }
    if (satisfied.length === 0) break;
    left = Math.max(0, left - sum(satisfied.map(({ most }) => most)));
    open = open.filter((taker) => !isSatisfied(taker));
  }
  return given;
}

/** Divides a whole number by weight into whole parts of at least one each. */
function divide(whole: number, weights: readonly number[]): number[] {
  const more = whole - weights.length;
  const exact = weights.map((weight) => (more * weight) / sum(weights));
  const parts = exact.map((part) => 1 + Math.floor(part));
  const order = exact.map((part, index) => ({ index, left: part - Math.floor(part) }));
  order.sort((one, other) => other.left - one.left);
  for (const { index } of order.slice(0, whole - sum(parts))) parts[index] = (parts[index] ?? 0) + 1;
  return parts;
}

/**
 * Whether the shares have to change, because the limit has changed, a shard has no share, or the work has moved. Small changes
 * are not made.
 *
 * @param calmTicks seconds in which no shard had messages waiting
 */
export function isWorthIt(
  limit: Share,
  shards: readonly ShardToShare[],
  targets: readonly Share[],
  calmTicks: number,
): boolean {
  const pairs = shards.flatMap((shard, index) => {
    const target = targets[index];
    return target && !shard.isFixed ? [{ ...shard, target, rate: rateOf(shard.share), aim: rateOf(target) }] : [];
  });
  if (pairs.length === 0) return false;
  if (shards.length === 1 || limit.intervalMs === 0) return pairs.some(({ share, target }) => !isSame(share, target));
  if (pairs.some(({ share }) => share === null)) return true;
  const rates = sum(shards.map(({ share }) => rateOf(share)));
  const bursts = sum(shards.map(({ share }) => share?.burst ?? 0));
  const aims = sum(targets.map(rateOf));
  const isTooMuch = rates > rateOf(limit) * (1 + ROUNDING);
  if (isTooMuch || rates < 0.99 * aims || bursts !== sum(targets.map(({ burst }) => burst))) return true;
  const isAnyHungry = pairs.some(({ waiting }) => waiting > 0);
  if (!isAnyHungry) return calmTicks >= CALM_TICKS && pairs.some(({ rate, aim }) => aim > HUNGRY_GROWTH * rate);
  return pairs.some(({ waiting, isIdle, rate, aim }) => {
    return (waiting > 0 && aim > WORTH_IT * rate) || (isIdle && rate > WORTH_IT * aim);
  });
}

export function isSame(one: Share | null, other: Share | null): boolean {
  return one?.intervalMs === other?.intervalMs && one?.burst === other?.burst;
}

export function isSlower(one: Share | null, other: Share | null): boolean {
  return rateOf(one) < rateOf(other);
}

/** The first step of a change, in which shards give up what they must: the share of a shard after it. */
export function lowered(share: Share | null, target: Share): Share | null {
  if (share === null) return null;
  const { intervalMs } = rateOf(share) < rateOf(target) ? share : target;
  return { intervalMs, burst: Math.min(share.burst, target.burst) };
}

/** The higher of two shares, for a shard that has one or the other. */
export function larger(one: Share | null, other: Share | null): Share | null {
  if (one === null || other === null) return one ?? other;
  const { intervalMs } = rateOf(one) < rateOf(other) ? other : one;
  return { intervalMs, burst: Math.max(one.burst, other.burst) };
}

/**
 * The second step of a change, in which shards get what is free now. If a shard has not given up what it should have, the others
 * get less.
 *
 * @param shards the highest share that each may have now, and whether the share can't be changed
 */
export function raised(
  limit: Share,
  shards: readonly { share: Share | null; isFixed: boolean }[],
  targets: readonly Share[],
): (Share | null)[] {
  if (limit.intervalMs === 0) return shards.map(({ share, isFixed }) => (isFixed ? share : limit));
  const wants = shards.map(({ share, isFixed }, index) => {
    const target = targets[index] ?? null;
    const rate = isFixed ? 0 : Math.max(0, rateOf(target) - rateOf(share));
    const burst = isFixed ? 0 : Math.max(0, (target?.burst ?? 0) - (share?.burst ?? 0));
    return { share, target, rate, burst };
  });
  const room = rateOf(limit) - sum(shards.map(({ share }) => rateOf(share)));
  let burstRoom = allBursts(limit, shards.length) - sum(shards.map(({ share }) => share?.burst ?? 0));
  const wanted = sum(wants.map(({ rate }) => rate));
  const isAll = shards.length === 1 || room >= wanted * (1 - ROUNDING);
  return wants.map(({ share, target, rate, burst }) => {
    const moreBurst = Math.max(0, Math.min(burst, burstRoom));
    burstRoom -= moreBurst;
    const newBurst = (share?.burst ?? 0) + moreBurst;
    if (newBurst === 0 || (rate > 0 && room <= 0)) return share;
    if (rate === 0) return share && withBurst(share, newBurst);
    if (isAll) return target && withBurst(target, newBurst);
    return shareOf(rateOf(share) + (rate * room) / wanted, newBurst);
  });
}
