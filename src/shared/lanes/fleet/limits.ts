import { absentKey, fleetRoot } from '../key-names.ts';
import { NO_LIMIT } from '../../model/rate-limit.ts';
import type { RedisClient } from '../../redis/cluster.ts';
import { changeKey } from '../change-key.ts';
import type { LaneRedis } from '../commands.ts';

export type LimitName = 'rate' | 'pageRate';

/** Limits as text, `none` for no limit; `null` where nothing is stored. */
export type StoredLimits = Record<LimitName, string | null>;

/** The limits that an operator has set, and those that the workers have agreed on. */
export interface FleetLimits extends StoredLimits {
  asked: StoredLimits;
}

const keysOf = (namespace: string) => {
  const root = fleetRoot(namespace);
  return { limits: `${root}limits`, asks: `${root}asks`, absent: absentKey({ root }) };
};

export async function readLimits(redis: RedisClient, namespace: string): Promise<FleetLimits> {
  const [rate = null, pageRate = null, askedRate = null, askedPageRate = null] = await redis.hmget(
    keysOf(namespace).limits,
    'rate',
    'pageRate',
    'asked:rate',
    'asked:pageRate',
  );
  return { rate, pageRate, asked: { rate: askedRate, pageRate: askedPageRate } };
}

/** Sets limits for the whole fleet. `null` makes the workers' variables count again; limits that are not named stay as they are. */
export async function writeLimits(redis: LaneRedis, namespace: string, changes: Partial<StoredLimits>): Promise<void> {
  const commands = Object.entries(changes).map(([name, text]) =>
    text === null ? (['HDEL', name] as const) : (['HSET', name, text] as const),
  );
  await changeKey(redis, keysOf(namespace).limits, commands);
}

/** A limit and its source. */
export interface LimitInForce {
  /** The limit as text; `null` for no limit. */
  limit: string | null;
  /** `variable` means the workers' variable, or that of this process if `inForce` is `false`. */
  from: 'run-time' | 'variable' | 'default';
  /** `false` if no worker has started yet; then the limit is what a worker with this process's variables would ask for. */
  inForce: boolean;
}

/** @param here the variable of this process, used if no worker of the installation has started yet */
export function limitInForce(limits: FleetLimits, name: LimitName, here: string | undefined): LimitInForce {
  const set = limits[name];
  if (set !== null) return { limit: set === NO_LIMIT ? null : set, from: 'run-time', inForce: true };
  const asked = limits.asked[name];
  const text = asked ?? here ?? NO_LIMIT;
  const inForce = asked !== null;
  return text === NO_LIMIT ? { limit: null, from: 'default', inForce } : { limit: text, from: 'variable', inForce };
}

export interface Agreement {
  rate: AgreedLimit;
  pageRate: AgreedLimit;
  /** The leader's term, higher than that of any leader before; `null` if this worker does not lead the fleet. */
  term: number | null;
  /** How long this worker leads from now on; meaningless if `term` is `null`. */
  leadsForMs: number;
  /** Number of other workers; only known after a beat. */
  others: number;
}

export interface AgreedLimit {
  /** The limit as text; `none` for no limit. */
  text: string;
  /** `run-time`: set by an operator. `variable`: from the workers' variables. `null`: no limit was set or agreed. */
  from: 'run-time' | 'variable' | null;
}

export interface AgreeRequest {
  workerId: string;
  /** `take` makes this worker the leader, even if another one leads. */
  word: 'beat' | 'look' | 'take';
  /** The limits of the worker's variables. */
  asks: Record<LimitName, string>;
  /** The highest term that was found in a shard, 0 if none was. */
  highestTerm: number;
}

export async function agreeOnLimits(
  redis: LaneRedis,
  namespace: string,
  { workerId, word, asks, highestTerm }: AgreeRequest,
): Promise<Agreement> {
  const keys = keysOf(namespace);
  const asked = [asks.rate, asks.pageRate] as const;
  const reply = await redis.fleetAgree(keys.limits, keys.asks, keys.absent, workerId, word, ...asked, highestTerm);
  const [rate, rateFrom, pageRate, pageRateFrom, term, leadsForMs, others] = reply as [
    ...[string, string, string, string],
    ...[number, number, number],
  ];
  return {
    rate: { text: rate, from: sourceOf(rateFrom) },
    pageRate: { text: pageRate, from: sourceOf(pageRateFrom) },
    term: term === 0 ? null : term,
    leadsForMs,
    others,
  };
}

function sourceOf(text: string): AgreedLimit['from'] {
  return text === 'run-time' || text === 'variable' ? text : null;
}

/** Withdraws the limits that the worker asks for, and gives up its lead. */
export async function leaveLimits(redis: LaneRedis, namespace: string, workerId: string): Promise<void> {
  const keys = keysOf(namespace);
  await redis.fleetAgree(keys.limits, keys.asks, keys.absent, workerId, 'leave');
}

/** The limits of a shard. An interval of 0 is no limit. */
export interface ShardPace {
  intervalMs: number;
  burst: number;
  pageIntervalMs: number;
  pageBurst: number;
}

/** @returns the limits of the shard, `null` if none were written yet, and the term of the leader that wrote them. */
export async function readPace(redis: RedisClient, root: string): Promise<{ pace: ShardPace | null; term: number }> {
  const texts = await redis.hmget(`${root}fleet`, 'intervalMs', 'burst', 'pageIntervalMs', 'pageBurst', 'term');
  const [intervalMs, burst, pageIntervalMs, pageBurst, term] = texts.map((text) =>
    text === null ? null : Number(text),
  );
  const isKnown = typeof intervalMs === 'number' && typeof pageIntervalMs === 'number';
  return {
    pace: isKnown ? { intervalMs, burst: burst ?? 1, pageIntervalMs, pageBurst: pageBurst ?? 1 } : null,
    term: term ?? 0,
  };
}

/**
 * Writes the limits of a shard, and wakes a worker if it may send faster.
 *
 * @returns the term of the shard, which is higher than the given term if nothing was written; and how far ahead slots are
 * reserved, which stay at the old pace.
 */
export async function writePace(
  redis: LaneRedis,
  root: string,
  term: number,
  { intervalMs, burst, pageIntervalMs, pageBurst }: ShardPace,
): Promise<{ term: number; reservedMs: number }> {
  const keys = [`${root}fleet`, absentKey({ root })];
  const reply = await redis.fleetPace(...keys, root, term, intervalMs, burst, pageIntervalMs, pageBurst);
  const [termThere, reservedMs] = reply as [number, number];
  return { term: termThere, reservedMs };
}

/** The work of a shard that decides its share of the fleet's limit. */
export interface ShardWork {
  /** Pages with work. */
  pages: number;
  /** Number of waiting messages; 0 if none of them may leave. */
  waiting: number;
}

export async function readWork(redis: RedisClient, root: string): Promise<ShardWork> {
  const pages = await redis.scard(`${root}pages`);
  if (pages === 0) return { pages, waiting: 0 };
  const [ready, released, stored, scheduled] = await Promise.all([
    redis.zcard(`${root}turns`),
    redis.llen(`${root}send:wait`),
    redis.zcard(`${root}send:waiting-children`),
    redis.zcard(`${root}due`),
  ]);
  return { pages, waiting: ready + released === 0 ? 0 : released + Math.max(ready, stored - scheduled) };
}
