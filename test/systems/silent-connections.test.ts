import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { openDeadLetters } from '../../src/dead-letters/index.ts';
import { createProducer } from '../../src/producer/index.ts';
import { shardRoot, shardsKey } from '../../src/shared/lanes/key-names.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts';
import { type RedisSwitch, startRedisSwitch } from '../support/redis-switch.ts';
import { startTestRedis } from '../support/redis.ts';
import { settled } from '../support/settled.ts';
import { useRedis } from '../support/use-redis.ts';
import { install } from '../support/worker.ts';

vi.setConfig({ maxConcurrency: 8 });

/** A connection is tried after five seconds without an answer; a producer may have asked something else after its last message. */
const DOUBTFUL_AFTER_MS = 5300;
/** A call on a lost connection waits half a second for an answer, and then for a new connection. */
const MOST_MS = 2500;

describe.concurrent('a connection that was lost without a word while it was idle', () => {
  const used = useRedis();

  it.each([1, 20])('costs %i calls of a producer a moment, and none becomes uncertain', async (count) => {
    await using address = await startRedisSwitch(used.server.port);
    await using producer = createProducer({ redisUrl: address.url, namespace: `idle-${count}` });
    await producer.enqueueMessage(textMessage('c1', 0));
    await delay(DOUBTFUL_AFTER_MS);
    address.forgetOpen();
    const calls = Array.from({ length: count }, (_, n) => settled(producer.enqueueMessage(textMessage('c1', n + 1))));
    for (const { value, error, ms } of await Promise.all(calls)) {
      expect(error).toBeUndefined();
      expect(value).toMatchObject({ duplicate: false });
      expect(ms).toBeLessThan(MOST_MS);
    }
    expect(address.connections).toBe(2);
  });

  it('costs one who looks at messages, changes one or counts dead letters the same', async () => {
    await using address = await startRedisSwitch(used.server.port);
    const config = { redisUrl: address.url, namespace: 'idle-readers' };
    await using producer = createProducer(config);
    await using deadLetters = openDeadLetters(config);
    const { id } = await producer.enqueueMessage(textMessage('c1', 0));
    expect(await deadLetters.count()).toBe(0);
    await delay(DOUBTFUL_AFTER_MS);
    address.forgetOpen();
    const calls = [settled(producer.getMessage(id)), settled(producer.cancelMessage(id)), settled(deadLetters.count())];
    for (const { error, ms } of await Promise.all<{ error?: unknown; ms: number }>(calls)) {
      expect(error).toBeUndefined();
      expect(ms).toBeLessThan(MOST_MS);
    }
  });

  it.each([
    { what: 'a connection in use by none', calls: 6, pauseMs: 1000, pings: 0 },
    { what: 'an idle connection by one for all calls', calls: 1, pauseMs: DOUBTFUL_AFTER_MS, pings: 1 },
  ])('is found by PING: $what', async ({ calls, pauseMs, pings }) => {
    await using server = await startTestRedis();
    await using producer = createProducer({ redisUrl: server.url, namespace: 'pings' });
    const admin = new Redis(server.url);
    await admin.config('RESETSTAT');
    for (let n = 0; n < calls; n += 1) {
      await producer.enqueueMessage(textMessage('c1', n));
      await delay(pauseMs);
    }
    await Promise.all(Array.from({ length: 20 }, (_, n) => producer.enqueueMessage(textMessage('c1', n))));
    const stats = await admin.info('commandstats');
    expect(Number(/cmdstat_ping:calls=(\d+)/.exec(stats)?.[1] ?? 0)).toBe(pings);
    admin.disconnect();
  });
});

describe('the connections to the nodes of a Redis Cluster', () => {
  it('are tried as well, also to the node that has only the number of shards', async () => {
    await using cluster = await startRedisCluster();
    await using stack = new AsyncDisposableStack();
    const addresses: RedisSwitch[] = [];
    for (const { server } of cluster.nodes) addresses.push(stack.use(await startRedisSwitch(server.port)));
    const redisNatMap = cluster.nodes
      .map(({ server }, index) => `127.0.0.1:${server.port}=${new URL(addresses[index]?.url ?? '').host}`)
      .join(',');
    const namespace = await namespaceOnTwoNodes(cluster);
    await using producer = createProducer({ redisUrl: cluster.url, redisNatMap, namespace });
    await producer.enqueueMessage(textMessage('c1', 0));
    await delay(DOUBTFUL_AFTER_MS);
    for (const address of addresses) address.forgetOpen();
    const { value, error, ms } = await settled(producer.enqueueMessage(textMessage('c1', 1)));
    expect(error).toBeUndefined();
    expect(value).toMatchObject({ duplicate: false });
    expect(ms).toBeLessThan(MOST_MS);
  });
});

/** A namespace whose number of shards is on another node than its only shard. */
async function namespaceOnTwoNodes(cluster: RedisCluster): Promise<string> {
  for (let n = 0; ; n += 1) {
    const namespace = `idle-${n}`;
    const owners = [shardsKey(namespace), shardRoot(namespace, 0)].map((key) => cluster.ownerOf(key));
    if (new Set(await Promise.all(owners)).size === 2) return namespace;
  }
}

describe.concurrent('the connections of a worker', () => {
  it('are replaced when they fall silent under load: nothing is lost or doubled', async () => {
    await using server = await startTestRedis();
    await using address = await startRedisSwitch(server.port);
    await using site = await install(server, {
      startWorker: false,
      // Locks last longer than a busy machine takes to find out about a connection.
      config: { timeoutMs: 5000 },
      api: { latencyMs: 20 },
    });
    site.startWorker({ redisUrl: address.url, concurrency: 10 });
    const messages = manyMessages(40, 10);
    await site.producer.enqueueMessages(messages);
    await eventually('it is under load', () => site.api.accepted.length > 50);
    address.forgetOpen();
    await eventually('all are delivered', () => site.api.accepted.length >= messages.length, 30_000);
    expect(site.api.report()).toMatchObject({ duplicates: { count: 0 }, outOfOrder: { count: 0 } });
  });

  it('stay when Redis itself stands still, since a repeated command costs more than a late one', async () => {
    await using server = await startTestRedis();
    await using address = await startRedisSwitch(server.port);
    const lines: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
    await using site = await install(server, { startWorker: false });
    site.startWorker({ redisUrl: address.url, logger });
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    const before = lines.length;
    await server.pause();
    await delay(8500);
    await server.resume();
    await site.until(await site.enqueue(textMessage('c1', 2)), 'delivered');
    expect(lines.slice(before).join('')).not.toContain('without a word');
  });
});
