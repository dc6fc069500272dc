import { describe, expect, it } from 'vitest';
import { EnqueueUncertainError } from '../../src/producer/index.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { CUT, holdMessage, startRedisProxy } from '../support/redis-proxy.ts';
import { startTestRedis } from '../support/redis.ts';
import { settled } from '../support/settled.ts';
import { halfStored, storedIds } from '../support/stored-messages.ts';
import { useProducers } from '../support/use-producers.ts';

const message = textMessage('c1', 1);

describe("a producer's connection", () => {
  const used = useProducers({ enqueueTimeoutMs: 5000 });

  it.each(['requests', 'replies'] as const)(
    'may be cut after any byte of the %s: what was told is true',
    async (direction) => {
      const namespace = `cut-${direction}`;
      await using proxy = await startRedisProxy(used.server.port);
      await using producer = used.producerOf(namespace, { redisUrl: proxy.url });
      await producer.enqueueMessage(message);
      const stored = new Set(await storedIds(used.redis, namespace));
      let length = 0;
      proxy[direction] = (bytes) => {
        length += bytes.length;
        return 'pass';
      };
      stored.add((await producer.enqueueMessage(message)).id);
      proxy[direction] = () => 'pass';
      expect(length).toBeGreaterThan(12);

      for (let cut = 0; cut < 12; cut += 1) {
        // Without its last line break an answer is whole all the same.
        const cutAfter = Math.floor((cut * (length - 3)) / 11);
        // The first message on a connection asks for Redis's memory before it leaves.
        stored.add((await producer.enqueueMessage(message)).id);
        proxy[direction] = () => ({ cutAfter });
        const { error } = await settled(producer.enqueueMessage(message));
        proxy[direction] = () => 'pass';
        expect(error).toBeInstanceOf(EnqueueUncertainError);
        const { id } = error as EnqueueUncertainError;
        const known = await producer.getMessage(id);
        if (direction === 'replies') expect(known).toMatchObject({ id, status: 'queued' });
        else expect(known).toBeNull();
        if (known) stored.add(id);
        expect(new Set(await storedIds(used.redis, namespace))).toEqual(stored);
      }
      expect(stored.size).toBe(direction === 'requests' ? 14 : 26);
      expect(await halfStored(used.redis, namespace)).toEqual([]);
    },
  );

  it('that is lost while the queue is opened costs the first call nothing but time', async () => {
    await using proxy = await startRedisProxy(used.server.port);
    await using producer = used.producerOf('opening', { redisUrl: proxy.url });
    let cuts = 0;
    proxy.requests = (bytes) => {
      if (cuts === 3 || !bytes.includes('opening')) return 'pass';
      cuts += 1;
      return CUT;
    };
    expect(await producer.enqueueMessage(message)).toMatchObject({ duplicate: false });
    expect(cuts).toBe(3);
    expect(await storedIds(used.redis, 'opening')).toHaveLength(1);
  });

  it('that is lost before a message is sent again for want of scripts costs that message nothing', async () => {
    await using proxy = await startRedisProxy(used.server.port);
    await using producer = used.producerOf('flushed-and-cut', { redisUrl: proxy.url });
    await producer.enqueueMessage(message);
    await used.redis.script('FLUSH');
    await used.server.pause();
    let sent = 0;
    proxy.requests = (bytes) => {
      if (holdMessage(bytes)) sent += 1;
      return 'pass';
    };
    // The answer to the first comes back whole: the script is missing. The second one's is lost.
    proxy.replies = (bytes) => {
      const end = endOfAnswer(bytes);
      if (end === null) return 'pass';
      proxy.replies = () => 'pass';
      return { cutAfter: end };
    };
    const first = settled(producer.enqueueMessage(message));
    await eventually('the first is on its way', () => sent === 1);
    const second = settled(producer.enqueueMessage(message));
    await eventually('the second is on its way', () => sent === 2);
    await used.server.resume();
    const [{ value }, { error }] = await Promise.all([first, second]);
    expect(value).toMatchObject({ duplicate: false });
    expect(error).toBeInstanceOf(EnqueueUncertainError);
    expect(await producer.getMessage((error as EnqueueUncertainError).id)).toBeNull();
    expect(await storedIds(used.redis, 'flushed-and-cut')).toContain(value?.id);
    expect(await storedIds(used.redis, 'flushed-and-cut')).toHaveLength(2);
  });

  it('to a Redis that came back without its data settles the number of shards anew', async () => {
    await using forgetful = await startTestRedis();
    await using producer = used.producerOf('forgotten', { redisUrl: forgetful.url });
    await producer.enqueueMessage(message);
    await forgetful.kill();
    await forgetful.restart();
    await producer.enqueueMessage(message);
    await using other = used.producerOf('forgotten', { redisUrl: forgetful.url, shards: 2 });
    expect((await settled(other.enqueueMessage(message))).error).toMatchObject({ code: 'INVALID_CONFIG' });
  });
});

/** Where the answer to a first call ends for which the script was missing. */
function endOfAnswer(bytes: Buffer): number | null {
  const missing = /-NOSCRIPT[^\r]*\r\n/.exec(bytes.toString('latin1'));
  return missing && missing.index + missing[0].length;
}
