import type { RedisClient } from '../redis/cluster.ts';
import type { OutcomeKind } from '../model/attempts.ts';
import { changeKey, type KeyCommand } from '../lanes/change-key.ts';
import type { LaneRedis } from '../lanes/commands.ts';
import { fleetRoot } from '../lanes/key-names.ts';
import { readPipeline } from '../redis/pipeline.ts';
import { readTimeMs } from '../redis/time.ts';

/**
 * The fleet's recent traffic, for charts: attempts by outcome, deaths and latencies, in buckets of five seconds. Only charts use it, so
 * plain counters are enough, which a crash may make slightly wrong.
 */

/** The outcomes of attempts, and messages that became dead letters. */
export const trafficKinds = ['delivered', 'rejected', 'failed', 'unknown', 'not-sent', 'held', 'dead'] as const;
export type TrafficKind = (typeof trafficKinds)[number];

export const TRAFFIC_BUCKET_MS = 5000;
const KEPT_SECONDS = 3600;
/** Workers write about every two seconds, so a bucket is complete this long after its end. */
const SETTLED_MS = 3000;
const LATENCY_FIELD = 'ms:';

/** The counts of one worker for one bucket, by the fields of the bucket's hash. */
export type TrafficCounts = Map<string, number>;

/** The traffic of the fleet in five seconds. */
export interface TrafficBucket {
  /** The start of the bucket, on Redis's clock. */
  startMs: number;
  perSecond: Record<TrafficKind, number>;
  /** The median duration of requests; `null` if there were none. */
  p50Ms: number | null;
  p95Ms: number | null;
}

/** The facts of an attempt that the charts count. */
export interface CountedAttempt {
  /** `null` if nothing was tried. */
  outcome: OutcomeKind | null;
  durationMs: number;
  isDead: boolean;
}

/** Adds one attempt to the counts. */
export function countAttempt(counts: TrafficCounts, { outcome, durationMs, isDead }: CountedAttempt): void {
  const add = (field: string): void => void counts.set(field, (counts.get(field) ?? 0) + 1);
  if (outcome !== null) add(outcome);
  if (isDead) add('dead');
  if (durationMs > 0) add(`${LATENCY_FIELD}${latencyClass(durationMs)}`);
}

/** Returns the start of the bucket of a time. */
export function bucketOf(atMs: number): number {
  return Math.floor(atMs / TRAFFIC_BUCKET_MS) * TRAFFIC_BUCKET_MS;
}

/** Adds a worker's counts to those of the others. @param done the counts by the start of their bucket, on Redis's clock */
export async function writeTraffic(
  redis: LaneRedis,
  namespace: string,
  done: ReadonlyMap<number, TrafficCounts>,
): Promise<void> {
  const writing = Array.from(done, async ([startMs, counts]) => {
    const added = Array.from(counts, ([field, count]): KeyCommand => ['HINCRBY', field, count]);
    await changeKey(redis, trafficKey(namespace, startMs), [...added, ['EXPIRE', KEPT_SECONDS]]);
  });
  await Promise.all(writing);
}

/**
 * Returns the traffic of the last `lastMs`, at most an hour, the oldest bucket first. The last seconds are left out, because workers have
 * not written them yet, and an incomplete bucket would look like a drop.
 *
 * @example
 * const lastTenMinutes = await readTraffic(redis, 'kitechat', { lastMs: 600_000 });
 */
export async function readTraffic(
  redis: RedisClient,
  namespace: string,
  { lastMs }: { lastMs: number },
): Promise<TrafficBucket[]> {
  const endMs = bucketOf((await readTimeMs(redis, fleetRoot(namespace))) - SETTLED_MS);
  const count = Math.ceil(Math.min(lastMs, KEPT_SECONDS * 1000) / TRAFFIC_BUCKET_MS);
  const starts = Array.from({ length: count }, (_, index) => endMs - (count - index) * TRAFFIC_BUCKET_MS);
  const buckets = await readPipeline<Record<string, string>>(
    redis,
    starts.map((startMs) => ['hgetall', trafficKey(namespace, startMs)]),
  );
  return starts.map((startMs, index) => describeBucket(startMs, buckets[index] ?? {}));
}

function describeBucket(startMs: number, fields: Record<string, string>): TrafficBucket {
  const latencies = new Map(
    Object.entries(fields).flatMap(([field, count]) =>
      field.startsWith(LATENCY_FIELD) ? [[Number(field.slice(LATENCY_FIELD.length)), Number(count)]] : [],
    ),
  );
  const perSecond = Object.fromEntries(
    trafficKinds.map((kind) => [kind, (Number(fields[kind] ?? 0) * 1000) / TRAFFIC_BUCKET_MS]),
  ) as Record<TrafficKind, number>;
  return { startMs, perSecond, p50Ms: percentileMs(latencies, 0.5), p95Ms: percentileMs(latencies, 0.95) };
}

function trafficKey(namespace: string, startMs: number): string {
  return `${fleetRoot(namespace)}traffic:${startMs / TRAFFIC_BUCKET_MS}`;
}

/**
 * Latencies are counted in classes, so that counts can be added up over workers and buckets. A class is a quarter of an octave wide, so
 * a percentile is accurate to about a tenth.
 */
const CLASSES_PER_OCTAVE = 4;

/** Returns the class of a latency. */
export function latencyClass(durationMs: number): number {
  return durationMs <= 1 ? 0 : Math.ceil(CLASSES_PER_OCTAVE * Math.log2(durationMs));
}

/**
 * Returns a percentile of the latencies, in ms.
 *
 * @param share 0.5 for the median
 * @returns `null` if nothing was counted
 */
export function percentileMs(countByClass: ReadonlyMap<number, number>, share: number): number | null {
  const classes = [...countByClass].toSorted(([one], [other]) => one - other);
  const total = classes.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [latency, count] of classes) {
    seen += count;
    if (count > 0 && seen >= share * total) return middleMs(latency);
  }
  return null;
}

function middleMs(latency: number): number {
  return latency === 0 ? 1 : 2 ** ((latency - 0.5) / CLASSES_PER_OCTAVE);
}
