import { Job, Queue, WaitingChildrenError, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedisServer } from '../../src/testing/redis-handle.ts';
import { eventually } from '../support/eventually.ts';
import { startTestRedis } from '../support/redis.ts';

/**
 * Our scripts move jobs between three of BullMQ's own keys, `waiting-children`, `wait` and `marker`, and take one back
 * from `active` with its lock. Here stands, without our scripts, what they take for granted. It runs on every upgrade.
 */
describe('what our scripts take for granted of BullMQ', () => {
  let server: RedisServer;
  let redis: Redis;
  const prefix = '{contract:0}';
  const key = (name: string): string => `${prefix}:send:${name}`;

  beforeAll(async () => {
    server = await startTestRedis();
    redis = new Redis(server.url, { maxRetriesPerRequest: null });
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  async function addHidden(queue: Queue, id: string): Promise<void> {
    const client = await queue.getBackend().client;
    const transaction = client.multi();
    await new Job(queue, 'text', { id }, { attempts: 5 }, id).addJob(transaction, { addToWaitingChildren: true });
    const results = await transaction.exec();
    expect(results).toEqual([[null, id]]);
  }

  async function release(id: string): Promise<void> {
    await redis.multi().zrem(key('waiting-children'), id).lpush(key('wait'), id).zadd(key('marker'), 0, '0').exec();
  }

  it('adds a job inside a MULTI to waiting-children, where no worker takes it, under these keys', async () => {
    await using queue = disposable(new Queue('send', { connection: redis, prefix }));
    await addHidden(queue.opened, 'hidden-1');
    expect(await redis.type(key('waiting-children'))).toBe('zset');
    expect(await redis.zscore(key('waiting-children'), 'hidden-1')).not.toBeNull();
    expect(await redis.llen(key('wait'))).toBe(0);
    expect(await redis.hmget(key('hidden-1'), 'name', 'data', 'timestamp')).toEqual([
      'text',
      '{"id":"hidden-1"}',
      expect.stringMatching(/^\d{13}$/),
    ]);
    await queue.opened.remove('hidden-1');
  });

  it('gives a worker that waits a job that is moved to wait with a marker, and keeps the order of the list', async () => {
    await using queue = disposable(new Queue('send', { connection: redis, prefix }));
    const taken: string[] = [];
    await using worker = disposable(
      new Worker('send', async (job) => void taken.push(job.id ?? ''), { connection: redis, prefix, drainDelay: 60 }),
    );
    await worker.opened.waitUntilReady();
    await eventually('the worker is waiting', async () => (await blockedClients(redis)) > 0);
    for (const id of ['a', 'b', 'c']) await addHidden(queue.opened, id);
    for (const id of ['a', 'b', 'c']) await release(id);
    await eventually('all jobs were taken', () => taken.length === 3);
    expect(taken).toEqual(['a', 'b', 'c']);
    expect(await redis.type(key('wait'))).toBe('none');
    expect(await redis.type(key('completed'))).toBe('zset');
  });

  it('holds a job in active under a lock with its token, and lets go of one that was taken back', async () => {
    await using queue = disposable(new Queue('send', { connection: redis, prefix }));
    const parked = Promise.withResolvers<{ token: string; active: string[]; lock: string | null }>();
    let runs = 0;
    await using worker = disposable(
      new Worker(
        'send',
        async (job, token = '') => {
          runs += 1;
          if (runs > 1) return;
          const seen = {
            token,
            active: await redis.lrange(key('active'), 0, -1),
            lock: await redis.get(key('park:lock')),
          };
          await redis
            .multi()
            .del(key('park:lock'))
            .srem(key('stalled'), 'park')
            .lrem(key('active'), 1, 'park')
            .zadd(key('waiting-children'), job.timestamp, 'park')
            .exec();
          parked.resolve(seen);
          throw new WaitingChildrenError();
        },
        { connection: redis, prefix, drainDelay: 60 },
      ),
    );
    const events: string[] = [];
    worker.opened.on('failed', () => events.push('failed'));
    worker.opened.on('error', () => events.push('error'));
    await addHidden(queue.opened, 'park');
    await release('park');
    const seen = await parked.promise;
    expect(seen.active).toEqual(['park']);
    expect(seen.lock).toBe(seen.token);
    expect(await redis.zscore(key('waiting-children'), 'park')).not.toBeNull();

    await release('park');
    await eventually('the job was completed', async () => (await redis.zscore(key('completed'), 'park')) !== null);
    expect(runs).toBe(2);
    expect(events).toEqual([]);
    expect(await redis.hget(key('park'), 'atm')).toBe('1');
  });
});

function disposable<T extends { close(): Promise<void> }>(opened: T) {
  return { opened, [Symbol.asyncDispose]: () => opened.close() };
}

async function blockedClients(redis: Redis): Promise<number> {
  return Number(/blocked_clients:(\d+)/.exec(await redis.info('clients'))?.[1] ?? 0);
}
