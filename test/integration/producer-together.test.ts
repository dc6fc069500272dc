import { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { QueueUnavailableError } from '../../src/producer/index.ts';
import { openQueues } from '../../src/shared/lanes/queues.ts';
import { shardOn } from '../../src/shared/lanes/shard.ts';
import { textMessage } from '../support/messages.ts';
import { settled } from '../support/settled.ts';
import { halfStored, laneIds, storedIds } from '../support/stored-messages.ts';
import { useProducers } from '../support/use-producers.ts';

const used = useProducers();

describe('messages that are stored in one turn of the event loop', () => {
  async function scriptCalls(): Promise<number> {
    const stats = await used.redis.info('commandstats');
    const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, count]) => Number(count));
    return calls.reduce((sum, count) => sum + count, 0);
  }

  it('leave together, whether they come one by one or as a batch', async () => {
    await using producer = used.producerOf('together');
    await producer.enqueueMessage(textMessage('first', 0));
    const before = await scriptCalls();
    await Promise.all(Array.from({ length: 64 }, (_, n) => producer.enqueueMessage(textMessage('c1', n))));
    await producer.enqueueMessages(Array.from({ length: 64 }, (_, n) => textMessage('c2', n)));
    expect((await scriptCalls()) - before).toBe(4);
    expect(await storedIds(used.redis, 'together')).toHaveLength(129);
    expect(await halfStored(used.redis, 'together')).toEqual([]);
  });

  it('keep their order when they are too large for one call', async () => {
    await using producer = used.producerOf('large');
    const receipts = await producer.enqueueMessages(
      Array.from({ length: 60 }, (_, n) => ({
        pageId: 'p1',
        conversationId: 'c1',
        message: { type: 'text', text: 'x'.repeat(n % 3 === 0 ? 60_000 : 10) },
      })),
    );
    expect(await laneIds(used.redis, 'large', 'p1', 'c1')).toEqual(receipts.map(({ id }) => id));
  });

  it('have each an answer of its own: a duplicate, a conflict and one that Redis refuses hinder no other', async () => {
    await using producer = used.producerOf('own-answer');
    // What somebody else has put where a conversation belongs.
    await used.redis.set('{own-answer:0}:lane:p1/broken', 'no list');
    const key = { idempotencyKey: 'k' };
    const [first, again, conflict, broken, last] = await Promise.all([
      settled(producer.enqueueMessage(textMessage('c1', 1), key)),
      settled(producer.enqueueMessage(textMessage('c1', 1), key)),
      settled(producer.enqueueMessage(textMessage('c1', 2), key)),
      settled(producer.enqueueMessage(textMessage('broken', 1), { idempotencyKey: 'broken' })),
      settled(producer.enqueueMessage(textMessage('c1', 3))),
    ]);
    expect(again.value).toEqual({ id: first.value?.id, duplicate: true });
    expect(conflict.error).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
    expect(broken.error).toBeInstanceOf(QueueUnavailableError);
    expect(broken.error).toMatchObject({ cause: { code: 'WRONGTYPE' } });
    expect(await laneIds(used.redis, 'own-answer', 'p1', 'c1')).toEqual([first.value?.id, last.value?.id]);
    // Nothing of it was written, as its error says.
    expect(await storedIds(used.redis, 'own-answer')).toHaveLength(2);
    await used.redis.del('{own-answer:0}:lane:p1/broken');
    const receipt = await producer.enqueueMessage(textMessage('broken', 1), { idempotencyKey: 'broken' });
    expect(receipt.duplicate).toBe(false);
    expect(await halfStored(used.redis, 'own-answer')).toEqual([]);
  });
});

describe('a stored message', () => {
  it("is the job that BullMQ's own add would have written, without what only BullMQ's own moves need, and our fields", async () => {
    const namespace = 'the-same-job';
    await using producer = used.producerOf(namespace);
    const shard = shardOn(used.redis, namespace, 0);
    const { root } = shard;
    const { send } = await openQueues(shard);
    const { id } = await producer.enqueueMessage(textMessage('c1', 1));
    const stored = await Job.fromId(send, id);
    const { lane, exp, timestamp, ...fields } = await used.redis.hgetall(`${root}send:${id}`);
    expect(lane).toBe('p1/c1');
    expect(Number(exp)).toBeGreaterThan(Number(timestamp));
    expect(Number(timestamp)).toBe(stored?.timestamp);
    await send.remove(id);

    const job = new Job(send, 'text', stored?.data, {}, id);
    await job.addJob(await send.getBackend().client, { addToWaitingChildren: true });
    const { timestamp: _, ...added } = await used.redis.hgetall(`${root}send:${id}`);
    expect({ ...fields, delay: '0', priority: '0', opts: '{"attempts":0}' }).toEqual(added);
    expect(fields['opts']).toBe('{}');
    await send.close();
  });
});
