import { describe, expect, it } from 'vitest';
import { redisTimeMs } from '../../src/shared/redis/time.ts';
import {
  bucketOf,
  readTraffic,
  TRAFFIC_BUCKET_MS,
  type TrafficBucket,
  type TrafficKind,
  writeTraffic,
} from '../../src/shared/reading/traffic.ts';
import { openTrafficMeter } from '../../src/worker/fleet/traffic-meter.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { install, type Installation } from '../support/worker.ts';
import { keysOf } from '../support/keys-of.ts';
import { useRedis } from '../support/use-redis.ts';

const LAST_MINUTE = { lastMs: 60_000 };

describe('the traffic of the fleet', () => {
  const used = useRedis();
  const trafficKeys = (namespace: string): Promise<string[]> => keysOf(used.redis, `{${namespace}:fleet}:traffic:*`);
  /** The start of the last bucket that is told as a whole. */
  const lastBucket = async (): Promise<number> =>
    bucketOf(redisTimeMs(await used.redis.time())) - 2 * TRAFFIC_BUCKET_MS;

  it('is what all workers did, by outcome, with latencies', async () => {
    await using site = await install(used, {
      api: {
        latencyMs: 50,
        faults: [
          { kind: 'status', status: 400, match: { conversationId: 'c0' } },
          { kind: 'status', status: 500, match: { conversationId: 'c1' }, times: 1 },
        ],
      },
    });
    const namespace = namespaceOf(site);
    site.startWorker();
    await site.producer.enqueueMessages(manyMessages(20, 2));
    const traffic = await eventually('all of it is told', async () => {
      const buckets = await readTraffic(used.redis, namespace, LAST_MINUTE);
      return totalOf(buckets, 'delivered') + totalOf(buckets, 'dead') === 40 && buckets;
    });
    expect({
      delivered: totalOf(traffic, 'delivered'),
      dead: totalOf(traffic, 'dead'),
      rejected: totalOf(traffic, 'rejected'),
      unknown: totalOf(traffic, 'unknown'),
      held: totalOf(traffic, 'held'),
    }).toEqual({ delivered: 38, dead: 2, rejected: 2, unknown: 1, held: 0 });
    const busy = traffic.filter(({ p50Ms }) => p50Ms !== null);
    for (const { p50Ms, p95Ms } of busy) {
      expect(p50Ms).toBeGreaterThan(45);
      expect(p95Ms).toBeGreaterThanOrEqual(p50Ms ?? Infinity);
    }
    for (const key of await trafficKeys(namespace)) {
      const seconds = await used.redis.ttl(key);
      expect(seconds).toBeGreaterThan(3500);
      expect(seconds).toBeLessThanOrEqual(3600);
    }
  });

  it('of the last seconds of a worker is told when it is closed', async () => {
    await using site = await install(used, { startWorker: false });
    const worker = site.startWorker();
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    await worker.close();
    const [key = ''] = await trafficKeys(namespaceOf(site));
    expect(await used.redis.hget(key, 'delivered')).toBe('1');
  });

  it('adds up, one bucket after the other without a gap, and leaves out what is not complete', async () => {
    const startMs = await lastBucket();
    const done = (count: number): Map<number, Map<string, number>> =>
      new Map([
        [startMs, new Map([['delivered', count]])],
        [startMs + 2 * TRAFFIC_BUCKET_MS, new Map([['delivered', 1000]])],
      ]);
    await writeTraffic(used.redis, 'adds-up', done(3));
    await writeTraffic(used.redis, 'adds-up', done(4));
    const buckets = await readTraffic(used.redis, 'adds-up', { lastMs: 20_000 });
    expect(buckets).toHaveLength(4);
    expect(buckets.map((bucket) => bucket.startMs - (buckets[0]?.startMs ?? 0))).toEqual([0, 5000, 10_000, 15_000]);
    expect(buckets.find((bucket) => bucket.startMs === startMs)?.perSecond.delivered).toBeCloseTo(7 / 5);
    expect(totalOf(buckets, 'delivered')).toBe(7);
  });

  it('is read for an hour at most', async () => {
    expect(await readTraffic(used.redis, 'nobody', { lastMs: 1e12 })).toHaveLength(720);
  });

  it('writes nothing when nothing happened', async () => {
    const meter = await openTrafficMeter(used.redis, 'idle');
    await meter.write();
    expect(await trafficKeys('idle')).toEqual([]);
    meter.note({ outcome: 'delivered', durationMs: 5, isDead: false });
    await meter.write();
    await meter.write();
    const [key = ''] = await trafficKeys('idle');
    expect(await used.redis.hgetall(key)).toEqual({ delivered: '1', 'ms:10': '1' });
  });

  it('that can not be written costs no message', async () => {
    await using site = await install(used);
    const startMs = bucketOf(redisTimeMs(await used.redis.time()));
    for (let ahead = 0; ahead < 10; ahead += 1) {
      const bucket = startMs / TRAFFIC_BUCKET_MS + ahead;
      await used.redis.set(`{${namespaceOf(site)}:fleet}:traffic:${bucket}`, 'not a hash');
    }
    for (let n = 1; n <= 3; n += 1) await site.until(await site.enqueue(textMessage('c1', n)), 'delivered');
    await eventually('all attempts are told', () => site.attempts.length === 3);
    expect(site.attempts.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered', 'delivered']);
  });
});

function namespaceOf({ config }: Installation): string {
  return config.namespace ?? '';
}

function totalOf(buckets: readonly TrafficBucket[], kind: TrafficKind): number {
  const perSecond = buckets.reduce((total, bucket) => total + bucket.perSecond[kind], 0);
  return Math.round((perSecond * TRAFFIC_BUCKET_MS) / 1000);
}
