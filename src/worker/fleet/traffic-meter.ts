import { fleetRoot } from '../../shared/lanes/keys.ts';
import type { RedisClient } from '../../shared/redis/cluster.ts';
import { readTimeMs } from '../../shared/redis/time.ts';
import {
  bucketOf,
  type CountedAttempt,
  countAttempt,
  type TrafficCounts,
  writeTraffic,
} from '../../shared/reading/traffic.ts';

/** Adds up what this worker does, for the charts of the fleet. */
export interface TrafficMeter {
  /** Only counts: nothing waits for Redis here. */
  note(attempt: CountedAttempt): void;
  /** Writes what was noted since the last time; nothing if nothing was. */
  write(): Promise<void>;
}

/** After an outage of Redis the older of its buckets are of no use: nobody reads that far back. */
const MOST_BUCKETS = 720;

export async function openTrafficMeter(redis: RedisClient, namespace: string): Promise<TrafficMeter> {
  let done = new Map<number, TrafficCounts>();
  /** What this process's clock lacks to Redis's, which all workers share. */
  let aheadMs = await readAheadMs(redis, namespace);

  return {
    note(attempt) {
      const startMs = bucketOf(Date.now() + aheadMs);
      let counts = done.get(startMs);
      if (counts === undefined) {
        done.set(startMs, (counts = new Map()));
        for (const oldest of done.keys()) if (done.size > MOST_BUCKETS) done.delete(oldest);
      }
      countAttempt(counts, attempt);
    },
    async write() {
      if (done.size === 0) return;
      aheadMs = await readAheadMs(redis, namespace);
      const written = done;
      done = new Map();
      await writeTraffic(redis, namespace, written);
    },
  };
}

async function readAheadMs(redis: RedisClient, namespace: string): Promise<number> {
  return (await readTimeMs(redis, fleetRoot(namespace))) - Date.now();
}
