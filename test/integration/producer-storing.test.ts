import { setImmediate } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { describe, expect, it } from 'vitest';
import type { Receipt, SendRequest } from '../../src/producer/index.ts';
import { textMessage } from '../support/messages.ts';
import { settled } from '../support/settled.ts';
import { halfStored, laneIds, storedIds } from '../support/stored-messages.ts';
import { useProducers } from '../support/use-producers.ts';

const ODD_IDS = [
  'a/b',
  '/',
  '~',
  'p1/c1',
  ' ',
  '__proto__',
  'constructor',
  'toString',
  '{p}:0',
  '*?[a]',
  '%s %d',
  '"\\',
  'héllo',
  'he\u0301llo',
  '会話',
  '😀'.repeat(256),
  'x'.repeat(256),
  'x'.repeat(255),
  '-1',
  '0',
];

describe('what a producer stores', () => {
  const used = useProducers();

  it('stands in its conversation in the order of the calls, awaited or not, from the first call of all', async () => {
    await using producer = used.producerOf('order');
    const calls: Promise<Receipt>[] = [];
    for (let n = 0; n < 300; n += 1) {
      calls.push(producer.enqueueMessage(textMessage(`c${n % 3}`, n)));
      // The connection is made, and the queue is opened, while the first calls wait.
      if (n % 50 === 49) await Promise.race([calls[0], setImmediate()]);
    }
    const ids = (await Promise.all(calls)).map(({ id }) => id);
    for (let c = 0; c < 3; c += 1) {
      expect(await laneIds(used.redis, 'order', 'p1', `c${c}`)).toEqual(ids.filter((_, n) => n % 3 === c));
    }
    expect(ids).toEqual(ids.toSorted());
  });

  it('keeps the order of each of several producers, and loses nothing, while they write to one conversation', async () => {
    const producers = Array.from({ length: 5 }, () => used.producerOf('interleaved'));
    const receipts = await Promise.all(
      producers.map((producer) =>
        Promise.all(Array.from({ length: 100 }, (_, n) => producer.enqueueMessage(textMessage('c', n)))),
      ),
    );
    const lane = await laneIds(used.redis, 'interleaved', 'p1', 'c');
    expect(lane).toHaveLength(500);
    for (const own of receipts) {
      const ids = new Set(own.map(({ id }) => id));
      expect(lane.filter((id) => ids.has(id))).toEqual([...ids]);
    }
    expect(await halfStored(used.redis, 'interleaved')).toEqual([]);
    await Promise.all(producers.map((producer) => producer.close()));
  });

  it('goes to a conversation of its own for every pair of ids, however odd', async () => {
    await using producer = used.producerOf('odd');
    const seen = new Map<string, string>();
    for (const [index, id] of ODD_IDS.entries()) {
      const other = ODD_IDS[(index + 1) % ODD_IDS.length] ?? '';
      for (const [pageId, conversationId] of [
        [id, 'c'],
        ['p', id],
        [id, other],
      ] as const) {
        const stored = await producer.enqueueMessage(textMessage(conversationId, 1, pageId));
        seen.set(stored.id, JSON.stringify([pageId, conversationId]));
        expect(await producer.getMessage(stored.id)).toMatchObject({ id: stored.id, pageId, conversationId });
        expect(await laneIds(used.redis, 'odd', pageId, conversationId)).toEqual([stored.id]);
      }
    }
    expect(seen.size).toBe(3 * ODD_IDS.length);
    expect(new Set(seen.values()).size).toBe(3 * ODD_IDS.length);
    expect(await halfStored(used.redis, 'odd')).toEqual([]);
  });

  it('is exactly what was validated, as BullMQ reads it', async () => {
    await using producer = used.producerOf('body');
    const queue = new Queue('send', { connection: used.redis, prefix: '{body:0}' });
    const toC = (message: SendRequest['message']): SendRequest => ({ pageId: 'p', conversationId: 'c', message });
    const requests: SendRequest[] = [
      { conversationId: 'c', message: { text: 'keys in my order', type: 'text' }, pageId: 'p' },
      toC({ type: 'text', text: '\u0000\u2028\ud800 😀 "\\\n %s {}' }),
      toC({ type: 'image', url: 'https://example.com/a b?c=ü', text: '' }),
      toC({
        type: 'template',
        template: {
          header: { type: 'text', text: 'Hi' },
          buttons: [{ type: 'web_url', text: 'Go', url: 'https://example.com' }],
          cards: [{ body: '1e3' }, { footer: '007' }],
        },
      }),
      toC({ type: 'text', text: 'x'.repeat(60 * 1024) }),
    ];
    for (const request of requests) {
      const { id } = await producer.enqueueMessage(request, { label: 'l', onUnknownOutcome: 'dead-letter' });
      const job = await queue.getJob(id);
      expect(job?.name).toBe(request.message.type);
      const stored = await used.redis.hmget(`{body:0}:send:${id}`, 'data', 'label', 'policy');
      expect(stored).toEqual([JSON.stringify(request), 'l', 'dead-letter']);
    }
    // Later changes of the caller's object reach nobody.
    const mine = textMessage('c', 1);
    const call = producer.enqueueMessage(mine);
    mine.message = { type: 'text', text: 'changed' };
    const job = await queue.getJob((await call).id);
    expect(job?.data).toEqual(textMessage('c', 1));
    await queue.close();
  });

  it('is told by getMessage, and nothing is told of ids that it does not have', async () => {
    await using producer = used.producerOf('told');
    const before = Date.now();
    const { id } = await producer.enqueueMessage(textMessage('c1', 1), { label: 'order 17' });
    const record = await producer.getMessage(id);
    expect(record).toEqual({
      id,
      pageId: 'p1',
      conversationId: 'c1',
      status: 'queued',
      enqueuedAt: record?.enqueuedAt,
      attemptsUsed: 0,
      attemptsAllowed: 8,
      attempts: [],
      nextAttemptAt: null,
      label: 'order 17',
      replayOf: null,
      endedAt: null,
      proof: null,
      provedBy: null,
      answer: null,
    });
    expect(Date.parse(record?.enqueuedAt ?? '')).toBeGreaterThanOrEqual(before - 1);
    expect(Date.parse(record?.enqueuedAt ?? '')).toBeLessThanOrEqual(Date.now() + 1);

    const ulid = id.slice(2);
    const others = [
      `1-${ulid}`,
      `zz-${ulid}`,
      `0-${ulid.toLowerCase()}`,
      ` ${id}`,
      `${id}\n`,
      `${id}:lock`,
      `0-${'0'.repeat(26)}`,
    ];
    others.push('', '0', 'meta', 'wait', '*', '__proto__', 'x'.repeat(10_000));
    for (const other of others) expect(await producer.getMessage(other)).toBeNull();
    for (const other of [undefined, null, 5, {}]) {
      expect(await producer.getMessage(other as string)).toBeNull();
    }
  });

  it('is spread over the shards by its page, and a page is found again by any producer', async () => {
    await using producer = used.producerOf('spread', { shards: 4 });
    const receipts = await Promise.all(
      Array.from({ length: 80 }, (_, n) => producer.enqueueMessage(textMessage('c', n, `p${n % 40}`))),
    );
    const counts = await Promise.all(
      [0, 1, 2, 3].map(async (shard) => (await storedIds(used.redis, 'spread', shard)).length),
    );
    expect(counts.reduce((sum, count) => sum + count)).toBe(80);
    for (const [shard, count] of counts.entries()) {
      expect(count).toBeGreaterThan(0);
      expect(await halfStored(used.redis, 'spread', shard)).toEqual([]);
    }
    await using other = used.producerOf('spread', { shards: 4 });
    for (let page = 0; page < 40; page += 1) {
      const [first, second] = [receipts[page]?.id ?? '', receipts[page + 40]?.id ?? ''];
      expect(first.slice(0, 2)).toBe(second.slice(0, 2));
      expect(await other.getMessage(first)).toMatchObject({ pageId: `p${page}` });
    }
  });

  it('is refused with another number of shards, by every call and without harm, until the number is right', async () => {
    await using four = used.producerOf('agreed', { shards: 4 });
    await four.enqueueMessage(textMessage('c', 1));
    await using two = used.producerOf('agreed', { shards: 2 });
    const calls: Promise<unknown>[] = [two.enqueueMessage(textMessage('c', 2)), two.getMessage(`0-${'0'.repeat(26)}`)];
    for (const { error } of await Promise.all(calls.map((call) => settled(call)))) {
      expect(error).toMatchObject({
        name: 'ConfigError',
        problems: [expect.stringMatching(/^shards is 2, .* set it to 4, or use another namespace$/)],
      });
    }
    await four.enqueueMessage(textMessage('c', 3));
    const stored = await Promise.all([0, 1, 2, 3].map((shard) => storedIds(used.redis, 'agreed', shard)));
    expect(stored.flat()).toHaveLength(2);
    // Of many first ones at once, all have the number of one of them.
    const results = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(async (shards) => {
        await using producer = used.producerOf('race', { shards });
        return await settled(producer.enqueueMessage(textMessage('c', shards)));
      }),
    );
    expect(results.filter(({ value }) => value)).toHaveLength(1);
  });
});
