import { Job, Queue, WaitingChildrenError, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedisServer } from '../../src/testing/redis-handle.ts';
import { eventually } from '../support/eventually.ts';
import { startTestRedis } from '../support/redis.ts';

/**
 * Our scripts move jobs between three of BullMQ's own keys, `waiting-children`, `wait` and `marker`, take one back from
 * `active` with its lock, and complete one. Here stands, without our scripts, what they take for granted. It runs on every
 * upgrade.
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

  it('takes a job that was completed beside it for completed, as if it had done so itself, and takes the next one', async () => {
    await using queue = disposable(new Queue('send', { connection: redis, prefix }));
    const [byItself, byUs, last] = ['by-itself', 'by-us', 'last'];
    const takenBack = new WaitingChildrenError();
    const taken: string[] = [];
    await using worker = disposable(
      new Worker(
        'send',
        async (job) => {
          taken.push(job.id ?? '');
          if (job.id === byItself) return;
          await complete(job.id ?? '');
          throw takenBack;
        },
        { connection: redis, prefix, drainDelay: 60 },
      ),
    );
    const events: string[] = [];
    for (const event of ['failed', 'error', 'stalled'] as const) worker.opened.on(event, () => events.push(event));
    for (const id of [byItself, byUs, last]) await addHidden(queue.opened, id);
    for (const id of [byItself, byUs, last]) await release(id);
    await eventually('all are completed', async () => (await redis.zscore(key('completed'), last)) !== null);
    expect(taken).toEqual([byItself, byUs, last]);
    expect(events).toEqual([]);

    const [itsJob, ourJob] = [await readJob(queue.opened, byItself), await readJob(queue.opened, byUs)];
    for (const { state, score, finishedOn } of [itsJob, ourJob]) {
      expect(state).toBe('completed');
      expect(score).toBe(finishedOn);
    }
    // What it keeps of the end beside that: how often it was tried, and what the processor returned.
    expect(itsJob.fields.filter((field) => !ourJob.fields.includes(field)).toSorted()).toEqual(['atm', 'returnvalue']);
    expect(await redis.exists(key(`${byItself}:lock`), key(`${byUs}:lock`))).toBe(0);
    expect(await redis.type(key('active'))).toBe('none');
    const completed = await queue.opened.getCompleted();
    expect(completed.map(({ id }) => id)).toEqual(expect.arrayContaining([byItself, byUs, last]));
    await queue.opened.remove(byUs);
    expect(await redis.exists(key(byUs))).toBe(0);
  });

  it('leaves a job alone that was completed beside it after a check had noted it as perhaps stalled', async () => {
    await using queue = disposable(new Queue('send', { connection: redis, prefix }));
    const [noted, other] = ['noted', 'other'];
    // Whoever was here before keeps others from checking for half a minute.
    await redis.del(key('stalled-check'));
    const goOn = Promise.withResolvers<void>();
    const stalled: string[] = [];
    await using worker = disposable(
      new Worker(
        'send',
        async (job) => {
          if (job.id === other) return await goOn.promise;
          await eventually('the check has noted it', async () => (await redis.sismember(key('stalled'), noted)) === 1);
          await complete(noted);
          throw new WaitingChildrenError();
        },
        { connection: redis, prefix, drainDelay: 60, concurrency: 2, stalledInterval: 50 },
      ),
    );
    worker.opened.on('stalled', (id) => stalled.push(id));
    try {
      for (const id of [noted, other]) await addHidden(queue.opened, id);
      for (const id of [noted, other]) await release(id);
      await eventually('the job is completed', async () => (await redis.zscore(key('completed'), noted)) !== null);
      // Each check forgets whom the one before noted, and notes who is active.
      await eventually('a check has come by', async () => {
        const members = await redis.smembers(key('stalled'));
        return members.includes(other) && !members.includes(noted);
      });
      expect(await redis.lrange(key('wait'), 0, -1)).toEqual([]);
      expect(await (await queue.opened.getJob(noted))?.getState()).toBe('completed');
      expect(stalled).toEqual([]);
    } finally {
      goOn.resolve();
    }
  });

  /** As our settlement does it. */
  async function complete(id: string): Promise<void> {
    const now = Date.now();
    await redis
      .multi()
      .del(key(`${id}:lock`))
      .lrem(key('active'), -1, id)
      .zadd(key('completed'), now, id)
      .hset(key(id), 'finishedOn', now)
      .exec();
  }

  async function readJob(queue: Queue, id: string) {
    const job = await queue.getJob(id);
    return {
      state: await job?.getState(),
      finishedOn: job?.finishedOn,
      score: Number(await redis.zscore(key('completed'), id)),
      fields: await redis.hkeys(key(id)),
    };
  }
});

function disposable<T extends { close(): Promise<void> }>(opened: T) {
  return { opened, [Symbol.asyncDispose]: () => opened.close() };
}

async function blockedClients(redis: Redis): Promise<number> {
  return Number(/blocked_clients:(\d+)/.exec(await redis.info('clients'))?.[1] ?? 0);
}
