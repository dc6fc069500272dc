import { setImmediate } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import {
  createProducer,
  EnqueueUncertainError,
  type Producer,
  QueueFullError,
  QueueUnavailableError,
} from '../../src/producer/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { CUT, holdMessage, type RedisProxy, startRedisProxy, type Treatment } from '../support/redis-proxy.ts';
import { startTestRedis } from '../support/redis.ts';
import { settled } from '../support/settled.ts';
import { halfStored, keysNaming, storedIds } from '../support/stored-messages.ts';
import { useProducers } from '../support/use-producers.ts';

/** Within this time a message must leave even on a busy machine. */
const DEADLINE_MS = 2000;
const message = textMessage('c1', 1);

describe('a message whose fate cannot be known', () => {
  const used = useProducers();

  /** A producer that has already stored a first message, through a proxy. */
  async function throughProxy(namespace: string): Promise<{ producer: Producer; proxy: RedisProxy } & AsyncDisposable> {
    const stack = new AsyncDisposableStack();
    const proxy = stack.use(await startRedisProxy(used.server.port));
    const producer = stack.use(used.producerOf(namespace, { redisUrl: proxy.url, enqueueTimeoutMs: DEADLINE_MS }));
    await producer.enqueueMessage(message);
    return { producer, proxy, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  async function uncertainIdOf(call: Promise<unknown>): Promise<string> {
    return idOf(await settled(call));
  }

  function idOf({ error }: { error: unknown }): string {
    expect(error).toBeInstanceOf(EnqueueUncertainError);
    expect(error).toMatchObject({ code: 'ENQUEUE_UNCERTAIN' });
    return (error as EnqueueUncertainError).id;
  }

  it('is stored and found by the id of the error when the answer was lost with the connection', async () => {
    await using through = await throughProxy('reply-cut');
    through.proxy.replies = () => CUT;
    const id = await uncertainIdOf(through.producer.enqueueMessage(message));
    through.proxy.replies = () => 'pass';
    expect(await through.producer.getMessage(id)).toMatchObject({ id, status: 'queued', conversationId: 'c1' });
    expect(await storedIds(used.redis, 'reply-cut')).toHaveLength(2);
    expect(await halfStored(used.redis, 'reply-cut')).toEqual([]);
  });

  it('is stored and found by the id of the error when the answer never came', async () => {
    await using through = await throughProxy('reply-swallowed');
    through.proxy.replies = () => 'swallow';
    const id = await uncertainIdOf(through.producer.enqueueMessage(message));
    await using other = used.producerOf('reply-swallowed');
    expect(await other.getMessage(id)).toMatchObject({ id, status: 'queued' });
    expect(await halfStored(used.redis, 'reply-swallowed')).toEqual([]);
  });

  it.each<[string, Treatment]>([
    ['with the connection', CUT],
    ['without a word', 'swallow'],
  ])('is not stored when the request was lost %s', async (how, treatment) => {
    const namespace = `request-lost-${how.replaceAll(' ', '-')}`;
    await using through = await throughProxy(namespace);
    through.proxy.requests = (bytes) => (holdMessage(bytes) ? treatment : 'pass');
    const id = await uncertainIdOf(through.producer.enqueueMessage(message, { idempotencyKey: 'k' }));
    expect(await keysNaming(used.redis, namespace, id)).toEqual([]);
    await using other = used.producerOf(namespace);
    expect(await other.getMessage(id)).toBeNull();
    // The key was not taken either.
    expect(await other.enqueueMessage(message, { idempotencyKey: 'k' })).toMatchObject({ duplicate: false });
  });

  it('is told from one that was refused after the connection came back: that one may be stored as well', async () => {
    const namespace = 'stored-then-refused';
    await using master = await startTestRedis();
    await using through = await throughProxy(namespace);
    through.proxy.replies = () => CUT;
    const call = settled(through.producer.enqueueMessage(message));
    const stored = await eventually('it is stored', async () => {
      const ids = await storedIds(used.redis, namespace);
      return ids.length === 2 && ids;
    });
    // Whoever asks again is refused now.
    await used.redis.replicaof('127.0.0.1', master.port);
    through.proxy.replies = () => 'pass';
    try {
      expect(stored).toContain(idOf(await call));
    } finally {
      await used.redis.replicaof('NO', 'ONE');
    }
  });

  it('is stored once when it is enqueued again under its idempotency key', async () => {
    await using through = await throughProxy('again');
    through.proxy.replies = () => CUT;
    const id = await uncertainIdOf(through.producer.enqueueMessage(message, { idempotencyKey: 'k' }));
    through.proxy.replies = () => 'pass';
    expect(await through.producer.enqueueMessage(message, { idempotencyKey: 'k' })).toEqual({ id, duplicate: true });
    expect(await storedIds(used.redis, 'again')).toHaveLength(2);
  });

  it('does not stop the producer: a connection on which nothing comes back any more is replaced', async () => {
    await using through = await throughProxy('dead-connection');
    const dead = through.proxy.connections;
    // As after a failover without a word: the old connection stays open and silent, new ones work.
    through.proxy.replies = () => (through.proxy.connections > dead ? 'pass' : 'swallow');
    await uncertainIdOf(through.producer.enqueueMessage(message));
    const receipt = await eventually(
      'the producer goes on',
      async () => (await settled(through.producer.enqueueMessage(message))).value,
    );
    expect(receipt.duplicate).toBe(false);
  });
});

describe('a message that Redis refuses', () => {
  it('is never uncertain, however many are on their way, and even if a proxy drops answers once a side ends', async () => {
    await using server = await startTestRedis();
    await using proxy = await startRedisProxy(server.port);
    await using producer = createProducer({ redisUrl: proxy.url, namespace: 'many', enqueueTimeoutMs: DEADLINE_MS });
    await producer.enqueueMessage(message);
    const redis = new Redis(server.url);
    await redis.replicaof('127.0.0.1', 1);
    const calls = [];
    for (let turn = 0; turn < 10; turn += 1) {
      calls.push(...Array.from({ length: 50 }, () => settled(producer.enqueueMessage(message))));
      await setImmediate();
    }
    const names = (await Promise.all(calls)).map(({ error }) => (error as Error | undefined)?.name);
    expect(new Set(names)).toEqual(new Set(['QueueUnavailableError']));
    redis.disconnect();
  });

  it('is not stored on a replica, which is told as unavailable, before the first call and after it', async () => {
    await using master = await startTestRedis({ args: ['--repl-diskless-sync-delay', '0'] });
    await using server = await startTestRedis();
    const redis = new Redis(server.url);
    await using producer = createProducer({
      redisUrl: server.url,
      namespace: 'replica',
      enqueueTimeoutMs: DEADLINE_MS,
    });
    await producer.enqueueMessage(message);
    await redis.replicaof('127.0.0.1', master.port);
    await eventually('it follows its master', async () => (await redis.info('replication')).includes('link_status:up'));
    await using fresh = createProducer({ redisUrl: server.url, namespace: 'replica', enqueueTimeoutMs: DEADLINE_MS });
    for (const one of [producer, fresh]) {
      const { error } = await settled(one.enqueueMessage(message));
      expect(error).toBeInstanceOf(QueueUnavailableError);
      expect(error).toMatchObject({ cause: { code: 'READONLY' } });
    }
    expect(await redis.keys('*replica*')).toEqual([]);
    await redis.replicaof('NO', 'ONE');
    await producer.enqueueMessage(message);
    redis.disconnect();
  });

  it('is stored whole or not at all while memory runs out', async () => {
    await using server = await startTestRedis({ args: ['--maxmemory', '3mb'] });
    const redis = new Redis(server.url);
    await using producer = createProducer({ redisUrl: server.url, namespace: 'full', redisFullAt: 1 });
    const conversations = Array.from({ length: 50 }, (_, n) => `c${n}`);
    let stored = 0;
    let refused = 0;
    while (refused < 200) {
      const calls = conversations.map((conversation) =>
        settled(producer.enqueueMessage(textMessage(conversation, stored))),
      );
      for (const { value, error } of await Promise.all(calls)) {
        if (value) stored += 1;
        else {
          refused += 1;
          expect(error).toBeInstanceOf(QueueFullError);
          expect(error).toMatchObject({ bound: 'memory', cause: { code: 'OOM' } });
        }
      }
    }
    expect(stored).toBeGreaterThan(50);
    expect(await storedIds(redis, 'full')).toHaveLength(stored);
    expect(await halfStored(redis, 'full')).toEqual([]);
    await redis.config('SET', 'maxmemory', '0');
    await producer.enqueueMessage(message);
    redis.disconnect();
  });
});
