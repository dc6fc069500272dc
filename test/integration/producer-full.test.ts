import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDeadLetters } from '../../src/dead-letters/index.ts';
import { createProducer, type Producer, QueueFullError } from '../../src/producer/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { settled } from '../support/settled.ts';
import { storedIds } from '../support/stored-messages.ts';
import { writeLetters } from '../support/written-letters.ts';

describe('a producer whose Redis is nearly full', () => {
  const stack = new AsyncDisposableStack();
  const namespace = 'nearly-full';
  let redis: Redis;
  let redisUrl: string;

  beforeAll(async () => {
    const server = stack.use(await startTestRedis());
    redisUrl = server.url;
    redis = stack.adopt(new Redis(redisUrl), (client) => client.disconnect());
  });
  afterAll(async () => await stack.disposeAsync());
  beforeEach(async () => {
    await redis.config('SET', 'maxmemory', '0');
    await redis.flushall();
    // Small changes of what Redis uses must not matter.
    await redis.setrange('filler', 10_000_000, 'x');
  });

  /** Sets the limit so that this part of it is in use. */
  const fill = async (part: number): Promise<void> => {
    const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
    await redis.config('SET', 'maxmemory', String(Math.round(used / part)));
  };
  const producer = (more: Parameters<typeof createProducer>[0] = {}): Producer =>
    createProducer({ redisUrl, namespace, ...more });

  it('refuses messages from 85 % of maxmemory on, the first one as well, and says which bound it is', async () => {
    await fill(0.8);
    await using first = producer();
    await first.enqueueMessage(textMessage('c1', 1));
    await fill(0.9);
    await using second = producer();
    const { error } = await settled(second.enqueueMessage(textMessage('c1', 2)));
    expect(error).toBeInstanceOf(QueueFullError);
    expect(error).toMatchObject({ bound: 'memory' });
    expect(String(error)).toContain('uses 85 % of its maxmemory');
    await eventually('the first one sees it', async () => {
      return (await settled(first.enqueueMessage(textMessage('c1', 3)))).error instanceof QueueFullError;
    });
  });

  it('stores again as soon as there is room, and was not asked for more than once a second meanwhile', async () => {
    await fill(0.9);
    await using one = producer();
    await expect(one.enqueueMessage(textMessage('c1', 1))).rejects.toBeInstanceOf(QueueFullError);
    await fill(0.5);
    const startedAt = performance.now();
    await eventually('it is stored', async () => (await settled(one.enqueueMessage(textMessage('c1', 1)))).value);
    const many = Array.from({ length: 500 }, (_, n) => textMessage(`c${n}`, 1));
    await redis.config('RESETSTAT');
    await one.enqueueMessages(many);
    expect(performance.now() - startedAt).toBeLessThan(3000);
    const looks = Number(/cmdstat_info:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
    expect(looks).toBeLessThanOrEqual(1);
    expect(await storedIds(redis, namespace)).toHaveLength(501);
  });

  it('still answers with the first id to a request that was stored before', async () => {
    await using one = producer();
    const { id } = await one.enqueueMessage(textMessage('c1', 1), { idempotencyKey: 'k' });
    await fill(0.9);
    await using other = producer();
    const again = await other.enqueueMessage(textMessage('c1', 1), { idempotencyKey: 'k' });
    expect(again).toEqual({ id, duplicate: true });
  });

  it('takes another bound, and leaves all to Redis with 1', async () => {
    await fill(0.6);
    await using low = producer({ redisFullAt: 0.5 });
    await expect(low.enqueueMessage(textMessage('c1', 1))).rejects.toThrow(/uses 50 % of its maxmemory/);
    await fill(0.95);
    await using high = producer({ redisFullAt: 1 });
    await high.enqueueMessage(textMessage('c1', 1));
    await fill(1.1);
    await expect(high.enqueueMessage(textMessage('c1', 2))).rejects.toThrow(/no memory left/);
  });

  it('is full as well if the namespace is new', async () => {
    await fill(1.1);
    await using one = producer({ namespace: 'new' });
    await expect(one.enqueueMessage(textMessage('c1', 1))).rejects.toThrow(
      /The queue is full: Redis has no memory left/,
    );
  });

  it('refuses to replay a dead letter, which stays', async () => {
    const [id = ''] = await writeLetters(redis, namespace, [{ pageId: 'p1', conversationId: 'c1', text: 'hello' }]);
    await fill(0.9);
    await using deadLetters = openDeadLetters({ redisUrl, namespace });
    await expect(deadLetters.replay({ ids: [id] })).rejects.toBeInstanceOf(QueueFullError);
    expect(await deadLetters.get(id)).toMatchObject({ id });
  });
});
