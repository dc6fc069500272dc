import { describe, expect, it } from 'vitest';
import { BulkEnqueueError, type EnqueueItem, InvalidMessageError, QueueFullError } from '../../src/producer/index.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { startRedisProxy } from '../support/redis-proxy.ts';
import { settled } from '../support/settled.ts';
import { halfStored, laneIds, storedIds } from '../support/stored-messages.ts';
import { useProducers } from '../support/use-producers.ts';
import { install } from '../support/worker.ts';
import { keysOf } from '../support/keys-of.ts';

const used = useProducers({ enqueueTimeoutMs: 30_000 });

describe('a batch of messages', () => {
  it('is validated whole before any message is stored, and every problem has the place of its item', async () => {
    await using producer = used.producerOf('invalid');
    const items: unknown[] = manyMessages(10, 30);
    items[0] = { pageId: 'p1', conversationId: 'c1', message: { type: 'text' } };
    items[250] = { ...textMessage('c1', 1), ttlMs: -1, idempotencyKey: '' };
    items[251] = { ...textMessage('c1', 1), delay: 5 };
    items[298] = null;
    items[299] = 'hello';
    const { error } = await settled(producer.enqueueMessages(items as EnqueueItem[]));
    expect(error).toBeInstanceOf(InvalidMessageError);
    expect((error as InvalidMessageError).issues.map(({ path }) => path)).toEqual([
      '[0].message.text',
      '[250].idempotencyKey',
      '[250].ttlMs',
      '[251].delay',
      '[298]',
      '[299]',
    ]);
    expect(await storedIds(used.redis, 'invalid')).toEqual([]);
  });

  it('that is no array is refused as such, and an empty one is nothing to do', async () => {
    await using producer = used.producerOf('no-array');
    for (const items of [undefined, null, textMessage('c1', 1), 'abc']) {
      const { error } = await settled(producer.enqueueMessages(items as unknown as EnqueueItem[]));
      expect(error).toBeInstanceOf(InvalidMessageError);
    }
    expect(await producer.enqueueMessages([])).toEqual([]);
  });

  it('of 10,000 has its receipts in order, and every conversation the order of the items', async () => {
    await using producer = used.producerOf('ten-thousand');
    const conversations = 7;
    const items = manyMessages(conversations, 1430).slice(0, 10_000);
    const receipts = await producer.enqueueMessages(items);
    expect(receipts).toHaveLength(10_000);
    expect(receipts.every(({ duplicate }) => !duplicate)).toBe(true);
    for (let n = 0; n < conversations; n += 1) {
      const ids = receipts.filter((_, index) => index % conversations === n).map(({ id }) => id);
      expect(await laneIds(used.redis, 'ten-thousand', `p${n % 4}`, `c${n}`)).toEqual(ids);
    }
    // The receipt of an item is that of its message.
    for (const index of [0, 199, 200, 9_999]) {
      const job = await used.redis.hget(`{ten-thousand:0}:send:${receipts[index]?.id}`, 'data');
      expect(JSON.parse(job ?? '')).toMatchObject(items[index] ?? {});
    }
  });

  it('tells what became of each item when the queue gets full in its middle', async () => {
    await using producer = used.producerOf('gets-full', { maxQueued: 250 });
    await producer.enqueueMessage({ ...textMessage('c0', 0) }, { idempotencyKey: 'known' });
    const items = manyMessages(10, 30);
    items[290] = { ...textMessage('c0', 0), idempotencyKey: 'known' };
    items[10] = { ...textMessage('c0', 5), idempotencyKey: 'known' };
    const { error } = await settled(producer.enqueueMessages(items));
    expect(error).toBeInstanceOf(BulkEnqueueError);
    const { results } = error as BulkEnqueueError;
    expect(results).toHaveLength(300);
    const outcomes = results.map((result) => {
      if ('error' in result) return result.error.code;
      return result.duplicate ? 'duplicate' : 'stored';
    });
    const expected: string[] = items.map((_, index) => (index <= 249 ? 'stored' : 'QUEUE_FULL'));
    expected[290] = 'duplicate';
    expected[10] = 'IDEMPOTENCY_CONFLICT';
    expect(outcomes).toEqual(expected);
    const ids = results.flatMap((result) => ('id' in result && !result.duplicate ? [result.id] : []));
    expect(await storedIds(used.redis, 'gets-full')).toEqual(expect.arrayContaining(ids));
    expect(await storedIds(used.redis, 'gets-full')).toHaveLength(250);
    expect(await halfStored(used.redis, 'gets-full')).toEqual([]);
  });

  it('tells what became of each item when Redis falls silent in its middle: only what had left is uncertain', async () => {
    await using proxy = await startRedisProxy(used.server.port);
    await using producer = used.producerOf('falls-silent', { redisUrl: proxy.url, enqueueTimeoutMs: 900 });
    await producer.enqueueMessage(textMessage('c0', 0));
    let answered = 0;
    proxy.replies = (bytes) => {
      if (answered >= 200) return 'swallow';
      answered += bytes.toString().split('stored').length - 1;
      return 'pass';
    };
    const { error } = await settled(producer.enqueueMessages(manyMessages(10, 100)));
    expect(error).toBeInstanceOf(BulkEnqueueError);
    const codes = (error as BulkEnqueueError).results.map((result) =>
      'error' in result ? result.error.code : 'stored',
    );
    // 200 are on their way at once.
    expect(codes).toEqual(
      codes.map((_, index) => ['stored', 'ENQUEUE_UNCERTAIN'][Math.floor(index / 200)] ?? 'QUEUE_UNAVAILABLE'),
    );
    expect(await storedIds(used.redis, 'falls-silent')).toHaveLength(401);
    expect(await halfStored(used.redis, 'falls-silent')).toEqual([]);
  });
});

describe('a full queue', () => {
  it('takes exactly as many messages as it may, however many call at once', async () => {
    await using producer = used.producerOf('exact', { maxQueued: 25 });
    await using other = used.producerOf('exact', { maxQueued: 25 });
    const calls = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        settled(
          (n % 2 === 0 ? producer : other).enqueueMessage(textMessage(`c${n % 7}`, n), { idempotencyKey: `${n}` }),
        ),
      ),
    );
    const refused = calls.filter(({ error }) => error);
    expect(calls.filter(({ value }) => value?.duplicate === false)).toHaveLength(25);
    expect(refused).toHaveLength(75);
    for (const { error } of refused) expect(error).toBeInstanceOf(QueueFullError);
    expect(await storedIds(used.redis, 'exact')).toHaveLength(25);
    expect(await halfStored(used.redis, 'exact')).toEqual([]);
    // What was refused has not taken its idempotency key.
    expect((await keysOf(used.redis, '{exact:0}:idem:*')).length).toBe(25);
  });

  it('counts what is open: it takes messages again when some have ended', async () => {
    await using installed = await install(used.server, { startWorker: false, config: { maxQueued: 3 } });
    const ids = [];
    for (let n = 0; n < 3; n += 1) ids.push(await installed.enqueue(textMessage(`c${n}`, 1)));
    expect((await settled(installed.enqueue(textMessage('c9', 1)))).error).toBeInstanceOf(QueueFullError);
    installed.startWorker();
    for (const id of ids) await installed.until(id, 'delivered');
    expect(await installed.enqueue(textMessage('c9', 1))).toEqual(expect.any(String));
  });
});
