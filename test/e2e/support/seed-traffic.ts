import { Redis } from 'ioredis';
import { withLaneCommands } from '../../../src/shared/lanes/commands.ts';
import {
  bucketOf,
  countAttempt,
  TRAFFIC_BUCKET_MS,
  type TrafficCounts,
  writeTraffic,
} from '../../../src/shared/reading/traffic.ts';
import { drawFor } from '../../../src/testing/fake-api/random.ts';

/** A quarter of an hour and some that are still to come, so that the curves go on while one looks. */
const PAST = 200;
const TO_COME = 120;
/** For so many of the last buckets there has been trouble: three minutes. */
const TROUBLED = 36;

/** Writes what a fleet would have written in the last quarter of an hour, always with the same curves. */
export async function seedTraffic(redisUrl: string, namespace: string, isTroubled: boolean): Promise<void> {
  const redis = withLaneCommands(new Redis(redisUrl));
  try {
    const newest = bucketOf(Date.now());
    const done = Array.from({ length: PAST + TO_COME }, (_, index): [number, TrafficCounts] => {
      const ago = index - TO_COME;
      return [newest - ago * TRAFFIC_BUCKET_MS, bucket(ago, isTroubled && ago < TROUBLED)];
    });
    await writeTraffic(redis, namespace, new Map(done));
  } finally {
    await redis.quit();
  }
}

/** @param ago how many buckets; less than 0 for one to come */
function bucket(ago: number, isTroubled: boolean): TrafficCounts {
  const counts: TrafficCounts = new Map();
  const draw = (what: string): number => drawFor(7, `${what} ${ago}`);
  const delivered = Math.round(70 + 25 * Math.sin(ago / 23) + 15 * draw('delivered'));
  const durationMs = (n: number): number => (isTroubled ? 160 : 80) * (1 + 1.5 * draw(`duration ${n}`) ** 3);
  for (let n = 0; n < delivered; n += 1) {
    countAttempt(counts, { outcome: 'delivered', durationMs: durationMs(n), isDead: false });
  }
  const rejected = isTroubled ? Math.round(2 + 6 * draw('rejected')) : 0;
  for (let n = 0; n < rejected; n += 1) countAttempt(counts, { outcome: 'rejected', durationMs: 60, isDead: true });
  const unknown = isTroubled && draw('unknown') > 0.5 ? 2 : 0;
  for (let n = 0; n < unknown; n += 1) countAttempt(counts, { outcome: 'unknown', durationMs: 900, isDead: false });
  return counts;
}
