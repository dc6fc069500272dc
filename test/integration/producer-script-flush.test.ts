import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Receipt } from '../../src/producer/index.ts';
import { textMessage } from '../support/messages.ts';
import { halfStored, laneIds, storedIds } from '../support/stored-messages.ts';
import { useProducers } from '../support/use-producers.ts';

describe('a producer whose scripts are flushed from Redis', () => {
  const used = useProducers();

  function flushAgainAndAgain(): { end(): Promise<void> } {
    const over = new AbortController();
    const flushing = (async () => {
      while (!over.signal.aborted) await used.redis.script('FLUSH');
    })();
    return {
      async end() {
        over.abort();
        await flushing;
      },
    };
  }

  async function connections(): Promise<string> {
    return /total_connections_received:(\d+)/.exec(await used.redis.info('stats'))?.[1] ?? '';
  }

  it('stores before the first call, between calls, and again after every flush, on the same connection', async () => {
    await used.redis.script('FLUSH');
    await using producer = used.producerOf('between');
    const ids = [(await producer.enqueueMessage(textMessage('c', 0))).id];
    const before = await connections();
    for (let n = 1; n <= 5; n += 1) {
      await used.redis.script('FLUSH');
      ids.push((await producer.enqueueMessage(textMessage('c', n))).id);
      ids.push((await producer.enqueueMessage(textMessage('c', n))).id);
    }
    expect(await connections()).toBe(before);
    expect(await laneIds(used.redis, 'between', 'p1', 'c')).toEqual(ids);
  });

  it('fails no call of 64 callers at once, stores each once and in its order, and is sure of all', async () => {
    const callers = Array.from({ length: 64 }, (_, n) => `c${n}`);
    await using producer = used.producerOf('storm');
    const storm = flushAgainAndAgain();
    const stored = await Promise.all(
      callers.map(async (caller) => {
        const ids: string[] = [];
        for (let n = 0; n < 20; n += 1) ids.push((await producer.enqueueMessage(textMessage(caller, n))).id);
        return ids;
      }),
    );
    await storm.end();
    expect(await storedIds(used.redis, 'storm')).toEqual(stored.flat().toSorted());
    expect(await halfStored(used.redis, 'storm')).toEqual([]);
    for (const [index, ids] of stored.entries()) {
      expect(await laneIds(used.redis, 'storm', 'p1', callers[index] ?? '')).toEqual(ids);
    }
  });

  it('keeps the order of calls that were not awaited, whichever of them met the flush', async () => {
    await using producer = used.producerOf('not-awaited');
    await producer.enqueueMessage(textMessage('warm-up', 0));
    const calls: Promise<Receipt>[] = [];
    for (let round = 0; round < 30; round += 1) {
      // Bursts of different sizes, so that the flush arrives before, between and after them.
      for (let n = 0; n < 1 + (round % 7) * 9; n += 1) calls.push(producer.enqueueMessage(textMessage('c', n)));
      const flushed = used.redis.script('FLUSH');
      if (round % 3 === 0) await flushed;
      if (round % 4 === 0) await calls.at(-1);
    }
    const ids = (await Promise.all(calls)).map(({ id }) => id);
    expect(await laneIds(used.redis, 'not-awaited', 'p1', 'c')).toEqual(ids);
  });

  it('keeps the order of calls that leave in many turns of the event loop, while scripts are flushed all the time', async () => {
    await using producer = used.producerOf('turns');
    await producer.enqueueMessage(textMessage('warm-up', 0));
    const storm = flushAgainAndAgain();
    const calls: Promise<Receipt>[] = [];
    for (let turn = 0; turn < 2000; turn += 1) {
      calls.push(producer.enqueueMessage(textMessage('c', turn)));
      await setImmediate();
    }
    const ids = (await Promise.all(calls)).map(({ id }) => id);
    await storm.end();
    expect(await laneIds(used.redis, 'turns', 'p1', 'c')).toEqual(ids);
  });

  it('stores each message once when many producers mend their scripts at once', async () => {
    const producers = Array.from({ length: 6 }, () => used.producerOf('fleet'));
    await Promise.all(producers.map(async (producer) => await producer.enqueueMessage(textMessage('c', 0))));
    const storm = flushAgainAndAgain();
    const receipts = await Promise.all(
      producers.map(async (producer) => {
        const rounds: Receipt[] = [];
        for (let n = 0; n < 10; n += 1) {
          const key = { idempotencyKey: `round-${n}` };
          rounds.push(...(await Promise.all([1, 2, 3].map(() => producer.enqueueMessage(textMessage('c', n), key)))));
        }
        return rounds;
      }),
    );
    await storm.end();
    expect(receipts.flat().filter(({ duplicate }) => !duplicate)).toHaveLength(10);
    expect(await storedIds(used.redis, 'fleet')).toHaveLength(16);
    expect(await halfStored(used.redis, 'fleet')).toEqual([]);
    await Promise.all(producers.map((producer) => producer.close()));
  });
});
