import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { createProducer, QueueUnavailableError } from '../../src/producer/index.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { startRedisSwitch } from '../support/redis-switch.ts';
import { startTestRedis } from '../support/redis.ts';
import { settled } from '../support/settled.ts';
import { install, type Installation } from '../support/worker.ts';

vi.setConfig({ maxConcurrency: 4 });

const CONVERSATIONS = 40;

function adminOf(server: RedisServer): Redis & AsyncDisposable {
  const redis = new Redis(server.url);
  return Object.assign(redis, { [Symbol.asyncDispose]: async () => redis.disconnect() });
}

/** A logger that keeps the lines about Redis. */
function redisLog() {
  const lines: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });
  return {
    logger,
    about: () =>
      lines
        .map((line) => (JSON.parse(line) as { msg: string }).msg)
        .filter((text) => text.includes('Redis') && !text.includes('AOF')),
    count: () => lines.length,
  };
}

/** Enqueues without a pause, one message after the other in each conversation, until it is told to stop. */
function startLoad(site: Installation) {
  const load = new AbortController();
  let stored = 0;
  const errors = new Set<string>();
  const conversation = async (name: string): Promise<void> => {
    for (let n = 0; !load.signal.aborted; n += 1) {
      const { value, error } = await settled(site.producer.enqueueMessage(textMessage(name, n)));
      if (value) stored += 1;
      else errors.add(String(error));
      await delay(20);
    }
  };
  const all = Array.from({ length: CONVERSATIONS }, (_, n) => conversation(`c${n}`));
  return {
    stored: () => stored,
    errors,
    async stop() {
      load.abort();
      await Promise.all(all);
    },
  };
}

async function follow(replica: Redis, primary: RedisServer): Promise<void> {
  await replica.replicaof('127.0.0.1', primary.port);
  await eventually('it follows', async () => (await replica.info('replication')).includes('master_link_status:up'));
}

describe.concurrent('a failover that keeps the connections', () => {
  it.each(['leads to the new primary', 'leads to the old one, which becomes the primary again'])(
    'loses and doubles nothing when the address %s',
    async (how) => {
      await using first = await startTestRedis({ args: ['--repl-diskless-sync-delay', '0'] });
      await using second = await startTestRedis({ args: ['--repl-diskless-sync-delay', '0'] });
      await using one = adminOf(first);
      await using other = adminOf(second);
      await follow(other, first);
      await using address = await startRedisSwitch(first.port);
      const log = redisLog();
      await using site = await install(
        { url: address.url },
        {
          hooks: { logger: log.logger },
          // Long, so that a busy machine neither ends a request nor a lock.
          config: { timeoutMs: 60_000, enqueueTimeoutMs: 60_000 },
          api: { latencyMs: 5 },
        },
      );
      const load = startLoad(site);
      await eventually('it is under load', () => site.api.accepted.length > 200);

      await one.call('FAILOVER', 'TO', '127.0.0.1', String(second.port));
      await eventually('the other is the primary', async () =>
        (await other.info('replication')).includes('role:master'),
      );
      if (how.includes('new')) {
        address.leadTo(second.port);
      } else {
        await eventually('the worker says so', () => log.about().length > 0);
        await eventually('it follows', async () => (await one.info('replication')).includes('master_link_status:up'));
        await other.call('FAILOVER', 'TO', '127.0.0.1', String(first.port));
      }
      const before = load.stored();
      await eventually('messages are stored again', () => load.stored() > before + 200);
      await load.stop();
      await eventually('all are delivered', () => site.api.accepted.length >= load.stored());

      expect([...load.errors]).toEqual([]);
      expect(site.api.report()).toMatchObject({ accepted: load.stored(), duplicates: { count: 0 } });
      expect(site.api.report()).toMatchObject({ outOfOrder: { count: 0 }, overlaps: { count: 0 } });
      await eventually('it is told', () => log.about().length > 1);
      expect(log.about()).toEqual([expect.stringContaining('read-only replica'), 'Redis is back']);
    },
  );
});

interface State {
  code: string;
  args?: readonly string[];
  advice: RegExp;
  begin(redis: Redis, server: RedisServer): Promise<void>;
  end(redis: Redis, server: RedisServer): Promise<void>;
}

const states: readonly State[] = [
  {
    code: 'READONLY',
    advice: /read-only replica/,
    begin: async (redis) => void (await redis.call('REPLICAOF', '127.0.0.1', '1')),
    end: async (redis) => void (await redis.call('REPLICAOF', 'NO', 'ONE')),
  },
  {
    code: 'MASTERDOWN',
    args: ['--replica-serve-stale-data', 'no'],
    advice: /read-only replica/,
    begin: async (redis) => void (await redis.call('REPLICAOF', '127.0.0.1', '1')),
    end: async (redis) => void (await redis.call('REPLICAOF', 'NO', 'ONE')),
  },
  {
    code: 'NOREPLICAS',
    advice: /min-replicas-to-write/,
    begin: async (redis) => void (await redis.config('SET', 'min-replicas-to-write', '1')),
    end: async (redis) => void (await redis.config('SET', 'min-replicas-to-write', '0')),
  },
  {
    code: 'MISCONF',
    advice: /can't write its snapshot/,
    async begin(redis, { dir }) {
      await redis.config('SET', 'save', '3600 100000');
      // The dump can't take the place of a folder.
      await mkdir(join(dir ?? '', 'dump.rdb'));
      await redis.bgsave();
      await eventually('it failed', async () =>
        (await redis.info('persistence')).includes('rdb_last_bgsave_status:err'),
      );
    },
    async end(redis, { dir }) {
      await rmdir(join(dir ?? '', 'dump.rdb'));
      await redis.bgsave();
      await eventually('it worked', async () =>
        (await redis.info('persistence')).includes('rdb_last_bgsave_status:ok'),
      );
    },
  },
];

describe.concurrent('a Redis that refuses writes for a while', () => {
  it.each(states)(
    '$code: the worker waits, says so once, is not ready, and goes on; nothing is uncertain',
    async ({ advice, args = [], begin, end }) => {
      await using server = await startTestRedis({ args });
      await using admin = adminOf(server);
      const log = redisLog();
      await using site = await install(server, {
        hooks: { logger: log.logger },
        config: { enqueueTimeoutMs: 30_000 },
        startWorker: false,
      });
      await using hasty = createProducer({ ...site.config, enqueueTimeoutMs: 2000 });
      const worker = site.startWorker();
      const first = await site.enqueue(textMessage('first', 1));
      await site.until(first, 'delivered');
      await site.producer.enqueueMessages(manyMessages(10, 2));
      await eventually('it is connected', () => hasty.getMessage(first).catch(() => null));
      await begin(admin, server);
      await eventually('the worker is not ready', () => !worker.health().redis.ready);
      const lines = log.count();
      const refused = await Promise.all(
        Array.from({ length: 20 }, (_, n) => settled(hasty.enqueueMessage(textMessage(`late${n}`, 1)))),
      );
      for (const { error } of refused) {
        expect(error).toBeInstanceOf(QueueUnavailableError);
        expect((error as Error).message).toMatch(advice);
      }
      await eventually('seconds have passed', () => worker.health().phaseMs > 4000);
      expect(worker.health().redis.ready).toBe(false);
      expect(log.count() - lines).toBeLessThanOrEqual(1);
      await end(admin, server);
      await eventually('the worker is ready', () => worker.health().redis.ready);
      await site.until(await site.enqueue(textMessage('last', 1)), 'delivered');
      await eventually('all are delivered', () => site.api.accepted.length === 22);
      expect(site.api.report()).toMatchObject({ accepted: 22, duplicates: { count: 0 }, outOfOrder: { count: 0 } });
      await eventually('it is told', () => log.about().length > 1);
      expect(log.about()).toEqual([expect.stringMatching(advice), 'Redis is back']);
    },
  );
});
