import { describe, expect, it } from 'vitest';
import { type EnqueueItem, type EnqueueOptions, IdempotencyConflictError } from '../../src/producer/index.ts';
import { textMessage } from '../support/messages.ts';
import { settled } from '../support/settled.ts';
import { halfStored, keysNaming, storedIds } from '../support/stored-messages.ts';
import { useProducers } from '../support/use-producers.ts';
import { install } from '../support/worker.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const request = textMessage('c1', 1);

describe('an idempotency key', () => {
  const used = useProducers();

  it('gives the same request the first id, from this producer and from any other', async () => {
    await using producer = used.producerOf('same');
    await using other = used.producerOf('same');
    const first = await producer.enqueueMessage(request, { idempotencyKey: 'k' });
    expect(first.duplicate).toBe(false);
    for (const one of [producer, other]) {
      expect(await one.enqueueMessage(request, { idempotencyKey: 'k' })).toEqual({ id: first.id, duplicate: true });
    }
    expect(await storedIds(used.redis, 'same')).toEqual([first.id]);
    expect(await halfStored(used.redis, 'same')).toEqual([]);
  });

  it('stores exactly one of 20 calls at once, of two producers', async () => {
    await using producer = used.producerOf('at-once');
    await using other = used.producerOf('at-once');
    const receipts = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? producer : other).enqueueMessage(request, { idempotencyKey: 'k' }),
      ),
    );
    expect(receipts.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(new Set(receipts.map(({ id }) => id)).size).toBe(1);
    expect(await storedIds(used.redis, 'at-once')).toHaveLength(1);
    expect(await halfStored(used.redis, 'at-once')).toEqual([]);
  });

  it('still counts after the message was delivered, and forgotten', async () => {
    await using installed = await install(used.server);
    const item = { ...request, idempotencyKey: 'k' };
    const id = await installed.enqueue(item);
    await installed.until(id, 'delivered');
    expect(await installed.enqueue(item)).toBe(id);
    await used.redis.del(`{${installed.config.namespace}:0}:send:${id}`);
    expect(await installed.producer.getMessage(id)).toBeNull();
    expect(await installed.enqueue(item)).toBe(id);
    expect(installed.api.accepted).toHaveLength(1);
  });

  it('refuses another request with the id of the first, and stores nothing of it', async () => {
    await using producer = used.producerOf('conflict');
    const { id } = await producer.enqueueMessage(request, { idempotencyKey: 'k' });
    const others: EnqueueItem[] = [
      textMessage('c1', 2),
      textMessage('c2', 1),
      { ...request, message: { type: 'text', text: 'message 1', url: 'https://example.com' } },
    ];
    for (const other of others) {
      const { error } = await settled(producer.enqueueMessage(other, { idempotencyKey: 'k' }));
      expect(error).toBeInstanceOf(IdempotencyConflictError);
      expect(error).toMatchObject({ id, code: 'IDEMPOTENCY_CONFLICT' });
    }
    expect(await storedIds(used.redis, 'conflict')).toEqual([id]);
    expect(await halfStored(used.redis, 'conflict')).toEqual([]);
  });

  it('does not look at the options: the same request with others is a duplicate', async () => {
    await using producer = used.producerOf('options');
    const { id } = await producer.enqueueMessage(request, { idempotencyKey: 'k' });
    const variants: EnqueueOptions[] = [{ ttlMs: 5 }, { label: 'another' }, { onUnknownOutcome: 'dead-letter' }];
    for (const options of variants) {
      const receipt = await producer.enqueueMessage(request, { ...options, idempotencyKey: 'k' });
      expect(receipt).toEqual({ id, duplicate: true });
    }
  });

  it('counts within its page only', async () => {
    await using producer = used.producerOf('pages');
    for (const page of ['p1', 'p2', 'p1/c1', 'P1']) {
      const { duplicate } = await producer.enqueueMessage(textMessage('c1', 1, page), { idempotencyKey: 'k' });
      expect(duplicate).toBe(false);
    }
    expect(await storedIds(used.redis, 'pages')).toHaveLength(4);
  });

  it('may hold any character, and no key is taken for another', async () => {
    await using producer = used.producerOf('odd');
    const keys = [
      'k',
      ' k',
      'k ',
      'K',
      'a b',
      'a/b',
      'p1/k',
      '~',
      '*',
      '{x}',
      ':',
      '__proto__',
      'constructor',
      '"',
      '\\',
    ];
    keys.push('%20', 'é', 'e\u0301', '😀'.repeat(256), 'x'.repeat(256), 'x'.repeat(255), '0', 'null');
    const ids = new Map<string, string>();
    for (const key of keys) ids.set(key, (await producer.enqueueMessage(request, { idempotencyKey: key })).id);
    expect(await storedIds(used.redis, 'odd')).toHaveLength(keys.length);
    for (const key of keys) {
      const again = await producer.enqueueMessage(request, { idempotencyKey: key });
      expect(again).toEqual({ id: ids.get(key), duplicate: true });
    }
  });

  it('is kept for 24 hours from the first request, and a repetition does not prolong it', async () => {
    await using producer = used.producerOf('ttl');
    const { id } = await producer.enqueueMessage(request, { idempotencyKey: 'k' });
    const key = (await keysNaming(used.redis, 'ttl', id)).find((name) => name.includes(':idem:')) ?? '';
    expect(await used.redis.pttl(key)).toBeGreaterThan(DAY_MS - 60_000);
    expect(await used.redis.pttl(key)).toBeLessThanOrEqual(DAY_MS);
    await used.redis.pexpire(key, 1000);
    await producer.enqueueMessage(request, { idempotencyKey: 'k' });
    expect(await used.redis.pttl(key)).toBeLessThanOrEqual(1000);
    // When the day is over the key is new.
    await used.redis.del(key);
    expect(await producer.enqueueMessage(request, { idempotencyKey: 'k' })).toMatchObject({ duplicate: false });
  });
});
