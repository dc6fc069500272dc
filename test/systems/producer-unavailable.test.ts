import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import {
  type BulkEnqueueError,
  createProducer,
  EnqueueUncertainError,
  type Producer,
  QueueUnavailableError,
} from '../../src/producer/index.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { afterMs, settled } from '../support/settled.ts';
import { storedIds } from '../support/stored-messages.ts';

const DEADLINE_MS = 900;
/** The machine may be busy; a call that hangs takes seconds longer. */
const MARGIN_MS = 5000;
/** 20 ms a key, with an eye on connections in between. */
const SLOW_TO_LOAD = ['--key-load-delay', '20000', '--loading-process-events-interval-bytes', '1024'];
const namespace = 'unavailable';
const message = textMessage('c1', 1);

function producerFor(redisUrl: string, enqueueTimeoutMs = DEADLINE_MS): Producer {
  return createProducer({ redisUrl, namespace, enqueueTimeoutMs });
}

/** Every kind of call, all at once. */
async function expectAllUnavailable(producer: Producer): Promise<void> {
  const calls = await Promise.all([
    settled(producer.enqueueMessage(message)),
    settled(producer.enqueueMessages([message, message]).catch(firstOfBatch)),
    settled(producer.getMessage('0-01JD0000000000000000000000')),
  ]);
  for (const { error, ms } of calls) {
    expect(error).toBeInstanceOf(QueueUnavailableError);
    expect(ms).toBeLessThan(DEADLINE_MS + MARGIN_MS);
  }
}

function firstOfBatch(error: unknown): never {
  const { results } = error as BulkEnqueueError;
  expect(results).toHaveLength(2);
  const [first] = results;
  throw first && 'error' in first ? first.error : new Error('the first item was stored');
}

async function stored(server: RedisServer): Promise<number> {
  const redis = new Redis(server.url);
  try {
    return (await storedIds(redis, namespace)).length;
  } finally {
    redis.disconnect();
  }
}

describe('a producer without Redis', () => {
  it('gives up in time when the connection is refused, and stores when Redis is started later', async () => {
    const { port, url, stop } = await startTestRedis();
    await stop();
    await using producer = producerFor(url);
    await expectAllUnavailable(producer);

    const call = settled(producer.enqueueMessage(message));
    await using server = await startTestRedis({ port });
    expect((await call).value).toMatchObject({ duplicate: false });
    await producer.enqueueMessage(message);
    expect(await stored(server)).toBe(2);
  });

  it('gives up in time when something accepts the connection and never answers', async () => {
    await using silent = await startSilentServer();
    await using producer = producerFor(silent.url);
    await expectAllUnavailable(producer);
    await expectAllUnavailable(producer);
  });

  it('gives up in time when the password is wrong or missing, and says so without telling it', async () => {
    await using server = await startTestRedis({ args: ['--requirepass', 'right'] });
    for (const [url, code] of [
      [server.url.replace('//', '//:wr0ng@'), 'WRONGPASS'],
      [server.url, 'NOAUTH'],
    ] as const) {
      await using producer = producerFor(url);
      await expectAllUnavailable(producer);
      const { error } = await settled(producer.enqueueMessage(message));
      expect(error).toMatchObject({ cause: { code } });
      expect(JSON.stringify(error) + String(error) + String((error as Error).cause)).not.toContain('wr0ng');
    }
    await using producer = producerFor(server.url.replace('//', '//:right@'));
    await producer.enqueueMessage(message);
  });
});

describe('a producer whose Redis is frozen', () => {
  it('gives up in time before the first call, with nothing written, and goes on when Redis does', async () => {
    await using server = await startTestRedis();
    await using producer = producerFor(server.url);
    await server.pause();
    await expectAllUnavailable(producer);
    await server.resume();
    await producer.enqueueMessage(message);
    expect(await stored(server)).toBe(1);
  });

  it('gives up in time after the first call, says that it cannot know, and goes on when Redis does', async () => {
    await using server = await startTestRedis();
    await using producer = producerFor(server.url);
    await producer.enqueueMessage(message);
    await server.pause();
    const { error, ms } = await settled(producer.enqueueMessage(message));
    expect(ms).toBeLessThan(DEADLINE_MS + MARGIN_MS);
    expect(error).toBeInstanceOf(EnqueueUncertainError);
    expect((await settled(producer.getMessage((error as EnqueueUncertainError).id))).error).toBeInstanceOf(
      QueueUnavailableError,
    );
    await server.resume();
    const { id } = await producer.enqueueMessage(message);
    expect(await producer.getMessage(id)).toMatchObject({ status: 'queued' });
  });

  it('has its answer when Redis goes on within the deadline, however long that is', async () => {
    await using server = await startTestRedis();
    await using producer = producerFor(server.url, 10_000);
    await producer.enqueueMessage(message);
    await server.pause();
    const call = settled(producer.enqueueMessage(message));
    await afterMs(2500);
    await server.resume();
    expect((await call).value).toMatchObject({ duplicate: false });
    expect(await stored(server)).toBe(2);
  });
});

describe('a producer whose Redis restarts', () => {
  it('goes on by itself: the first call after the return succeeds', async () => {
    await using server = await startTestRedis({ appendOnly: true });
    await using producer = producerFor(server.url);
    for (let round = 1; round <= 3; round += 1) {
      await producer.enqueueMessage(message);
      await server.kill('SIGTERM');
      expect((await settled(producer.enqueueMessage(message))).error).toBeInstanceOf(QueueUnavailableError);
      await server.restart();
    }
    await producer.enqueueMessage(message);
    expect(await stored(server)).toBe(4);
  });

  it('has every call under way answered or uncertain when Redis is killed, and no answered message lost', async () => {
    await using server = await startTestRedis({ appendOnly: true, args: ['--appendfsync', 'always'] });
    await using producer = producerFor(server.url, 20_000);
    await producer.enqueueMessage(message);
    const calls = Array.from({ length: 2000 }, () => producer.enqueueMessage(message));
    await Promise.any(calls);
    // Frozen first, so that some calls are surely on their way when it is killed.
    await server.pause();
    calls.push(...Array.from({ length: 50 }, () => producer.enqueueMessage(message)));
    const all = Promise.all(calls.map((call) => settled(call)));
    await setImmediate();
    await server.kill();
    const back = server.restart();
    const results = await all;
    await back;
    for (const { value, error } of results) {
      if (!value) expect(['EnqueueUncertainError', 'QueueUnavailableError']).toContain((error as Error).name);
    }
    const redis = new Redis(server.url);
    const ids = new Set(await storedIds(redis, namespace));
    redis.disconnect();
    expect(results.flatMap(({ value }) => (value && !ids.has(value.id) ? [value.id] : []))).toEqual([]);
    const uncertain = results.flatMap(({ error }) => (error instanceof EnqueueUncertainError ? [error.id] : []));
    expect(uncertain.length).toBeGreaterThan(0);
    const known = results.filter(({ value }) => value).length + uncertain.filter((id) => ids.has(id)).length;
    expect(ids.size).toBe(known + 1);
  });

  it('waits for a Redis that is loading its data', async () => {
    await using server = await startTestRedis({ appendOnly: true, args: SLOW_TO_LOAD });
    const seed = producerFor(server.url, 5000);
    await seed.enqueueMessages(Array.from({ length: 40 }, (_, n) => textMessage('seed', n)));
    await seed.close();
    await compact(server);
    await server.kill('SIGTERM');
    const back = server.restart();
    await using patient = producerFor(server.url, 10_000);
    await using hasty = producerFor(server.url, 300);
    await isLoading(server);
    const [late, soon] = await Promise.all([
      settled(patient.enqueueMessage(message)),
      settled(hasty.enqueueMessage(message)),
    ]);
    await back;
    expect(soon.error).toBeInstanceOf(QueueUnavailableError);
    expect(late.value).toMatchObject({ duplicate: false });
    expect(await stored(server)).toBe(41);
  });
});

/** Only data in the compact form is loaded slowly. */
async function compact(server: RedisServer): Promise<void> {
  const redis = new Redis(server.url);
  await redis.bgrewriteaof();
  await eventually('it is compacted', async () =>
    /aof_rewrite_in_progress:0[^]*aof_last_bgrewrite_status:ok/.test(await redis.info('persistence')),
  );
  redis.disconnect();
}

async function isLoading(server: RedisServer): Promise<void> {
  const redis = new Redis(server.url, { enableReadyCheck: false, retryStrategy: () => 20 });
  redis.on('error', () => {});
  await eventually('Redis is loading', async () => (await redis.info('persistence')).includes('loading:1'));
  redis.disconnect();
}

async function startSilentServer(): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}).resume());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
