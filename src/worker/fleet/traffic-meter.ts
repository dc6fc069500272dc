import { fleetRoot } from '../../shared/lanes/key-names.ts';
import type { LaneRedis } from '../../shared/lanes/commands.ts';
import { readTimeMs } from '../../shared/redis/time.ts';
import {
  bucketOf,
  type CountedAttempt,
  countAttempt,
  type TrafficCounts,
  writeTraffic,
} from '../../shared/reading/traffic.ts';

/** Counts this worker's attempts for the charts of the fleet. */
export interface TrafficMeter {
  /** Counts an attempt in memory, without waiting for Redis. */
  note(attempt: CountedAttempt): void;
  /** Writes the counts since the last call to Redis, if there are any. */
  write(): Promise<void>;
}

/** The most buckets kept during an outage of Redis: the charts go back no further. */
const MOST_BUCKETS = 720;

export async function openTrafficMeter(redis: LaneRedis, namespace: string): Promise<TrafficMeter> {
  let done = new Map<number, TrafficCounts>();
  /** How far Redis's clock, which all workers share, is ahead of this process's clock. */
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

async function readAheadMs(redis: LaneRedis, namespace: string): Promise<number> {
  return (await readTimeMs(redis, fleetRoot(namespace))) - Date.now();
}
