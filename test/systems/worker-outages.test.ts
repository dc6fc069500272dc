import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { readRepairs } from '../../src/shared/lanes/repair/reconcile.ts';
import { openQueues } from '../../src/shared/lanes/queues.ts';
import { shardOn } from '../../src/shared/lanes/shard.ts';
import { connectPatiently } from '../../src/shared/session/connect.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { install, type Installation } from '../support/worker.ts';

/** A Redis with messages, some of which the API refuses, so that every script is in use when Redis has its bad moment. */
async function underLoad(): Promise<Installation & { admin: Redis; count: number }> {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startTestRedis());
  const site = stack.use(
    await install(server, {
      config: { timeoutMs: 5000 },
      api: {
        latencyMs: 10,
        faults: [
          { kind: 'status', status: 400, match: { textIncludes: 'message 3' } },
          { kind: 'status', status: 429, retryAfter: 0, times: 3, match: { conversationId: 'c7' } },
        ],
      },
    }),
  );
  const admin = stack.adopt(new Redis(server.url), (redis) => redis.disconnect());
  const messages = manyMessages(60, 8);
  await site.producer.enqueueMessages(messages);
  await eventually('it is under load', () => site.api.accepted.length > 60);
  return { ...site, admin, count: messages.length, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Every message has ended, once, in order, and nothing had to be mended. */
async function expectAllEnded(site: Installation & { count: number }): Promise<void> {
  const refused = site.count / 8;
  await eventually('all are delivered or dead', async () => {
    return site.api.accepted.length >= site.count - refused && (await site.deadLetters.count()) === refused;
  });
  const shard = shardOn(connectPatiently({ redisUrl: site.config.redisUrl ?? '' }), site.config.namespace ?? '', 0);
  const { send } = await openQueues(shard);
  await eventually('nothing is open', async () => {
    const counts = await send.getJobCounts('waiting', 'active', 'delayed', 'waiting-children', 'failed');
    return Object.values(counts).every((count) => count === 0);
  });
  expect(site.api.report()).toMatchObject({ accepted: site.count - refused, duplicates: { count: 0 } });
  expect(site.api.report()).toMatchObject({ outOfOrder: { count: 0 }, overlaps: { count: 0 } });
  expect(await readRepairs(shard)).toEqual({});
  shard.redis.disconnect();
}

describe('a worker whose Redis has a bad moment', () => {
  it('goes on after SCRIPT FLUSH, dead letters included', async () => {
    await using site = await underLoad();
    for (let flush = 0; flush < 5; flush += 1) {
      await site.admin.script('FLUSH');
      const before = site.attempts.length;
      await eventually('it goes on', () => site.attempts.length > before + 20 || site.api.accepted.length >= 420);
    }
    await expectAllEnded(site);
  });

  it('goes on without any memory left, and sends nothing twice', async () => {
    await using site = await underLoad();
    await site.admin.config('SET', 'maxmemory', '1mb');
    await expect(site.producer.enqueueMessage(textMessage('late', 1))).rejects.toThrow(/Nothing was stored/);
    await expectAllEnded(site);
    expect(site.engineErrors).toEqual([]);
  });

  it('goes on when Redis was read-only for a while, as in a failover', async () => {
    await using site = await underLoad();
    const before = await refusals(site);
    await site.admin.call('REPLICAOF', '127.0.0.1', '1');
    await eventually('the worker was refused', async () => (await refusals(site)) > before);
    await site.admin.call('REPLICAOF', 'NO', 'ONE');
    await expectAllEnded(site);
  });

  it('takes new messages when Redis comes back empty', async () => {
    await using server = await startTestRedis();
    await using site = await install(server);
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    await server.kill();
    await server.restart();
    const id = await eventually('it is stored', async () => await site.enqueue(textMessage('c1', 2)).catch(() => null));
    expect(await site.until(id, 'delivered')).toMatchObject({ attemptsUsed: 0 });
  });

  it('says at its start that Redis keeps nothing on disk, or may evict messages', async () => {
    await using careless = await startTestRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] });
    await using careful = await startTestRedis({ appendOnly: true });
    const warnings = async (server: RedisServer): Promise<string[]> => {
      const lines: string[] = [];
      const logger = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
      await using site = await install(server, { hooks: { logger } });
      await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
      return lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    };
    expect(await warnings(careless)).toEqual([
      expect.stringContaining('Redis has no AOF'),
      expect.stringContaining('Redis may evict messages'),
    ]);
    expect(await warnings(careful)).toEqual([]);
  });
});

/** The number of commands that Redis has answered with an error. */
async function refusals({ admin }: { admin: Redis }): Promise<number> {
  return Number(/total_error_replies:(\d+)/.exec(await admin.info('stats'))?.[1] ?? 0);
}

describe('a worker whose Redis refuses every call for good', () => {
  it('tries again a few times a second, and says so once', async () => {
    await using server = await startTestRedis();
    const lines: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
    await using site = await install(server, { hooks: { logger } });
    const codes = site.engineErrors;
    await site.until(await site.enqueue(textMessage('c1', 1)), 'delivered');
    const admin = new Redis(server.url);
    lines.length = 0;
    await admin.call('ACL', 'SETUSER', 'default', '-evalsha', '-eval');
    await eventually('several calls were refused', () => codes.length > 2);
    await admin.config('RESETSTAT');
    await delay(1000);
    const refused = Number(/cmdstat_evalsha:.*rejected_calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0);
    await admin.call('ACL', 'SETUSER', 'default', '+@all');
    admin.disconnect();
    expect(new Set(codes)).toEqual(new Set(['NOPERM']));
    expect(refused).toBeLessThan(30);
    expect(lines).toHaveLength(1);
    await site.until(await site.enqueue(textMessage('c1', 2)), 'delivered');
  });
});
