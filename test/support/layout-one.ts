import { monotonicFactory } from 'ulid';
import type { SendRequest } from '../../src/shared/model/message.ts';
import type { RedisClient } from '../../src/shared/redis/cluster.ts';

const ulid = monotonicFactory();
/** The places of BullMQ in which version 0.1 kept a message that had not ended. */
export const openPlaces = ['wait', 'active', 'paused', 'delayed', 'prioritized', 'waiting-children', 'failed'] as const;
export type OpenPlace = (typeof openPlaces)[number];

const HOUR_MS = 3_600_000;
const request: SendRequest = { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'hello' } };
/** The hash of a request that version 0.1 kept with an idempotency key. */
const REQUEST_HASH = 'xTqJt7Wjyys1EfaKkXInAdItPyChG4I1EPQ9lbKYMug';

/** Writes the keys that version 0.1 wrote. */
export interface LayoutOne {
  /** Writes the number of shards, and what a drained installation keeps: letters, idempotency keys, holds, limits, leftovers. */
  writeDrained(): Promise<DrainedLayoutOne>;
  /** Writes a message that has not ended. */
  writeOpen(place: OpenPlace): Promise<string>;
  /** Writes a worker that was last seen this long ago, on Redis's clock. */
  writeWorker(id: string, silentForMs: number): Promise<void>;
}

/** What a take-over must keep, and what it must remove. */
export interface DrainedLayoutOne {
  letter: string;
  delivered: string;
  /** The content of the delivered message. */
  request: SendRequest;
  keeps: string[];
  removes: string[];
}

/** All messages are in shard 0. */
export function layoutOne(redis: RedisClient, namespace: string, shards: number): LayoutOne {
  const root = `{${namespace}:0}:`;
  const fleet = `{${namespace}:fleet}:`;
  const stamp = `{${namespace}}:shards`;

  async function writeJob(id: string, more: Record<string, string | number> = {}): Promise<void> {
    await redis.hset(`${root}send:${id}`, {
      name: 'text',
      data: JSON.stringify({ v: 1, request }),
      opts: '{"attempts":1000000}',
      timestamp: Date.now(),
      delay: 0,
      priority: 0,
      lane: 'p1/c1',
      exp: Date.now() + HOUR_MS,
      ...more,
    });
  }

  async function writeDelivered(): Promise<string> {
    const id = `0-${ulid()}`;
    await writeJob(id, { settled: 'delivered', finishedOn: Date.now(), closed: 'host-1.a.1', processedOn: Date.now() });
    await redis.zadd(`${root}send:completed`, Date.now(), id);
    return id;
  }

  async function writeLetter(): Promise<string> {
    const id = `0-${ulid()}`;
    const deadAt = Date.now();
    const letter = {
      v: 1,
      reason: 'rejected',
      request: { pageId: 'p2', conversationId: 'c1', message: { type: 'text', text: 'refused once' } },
      enqueuedAt: '2026-11-22T10:00:00.000Z',
      attempts: [
        {
          at: '2026-11-22T10:00:01.000Z',
          outcome: 'rejected',
          detail: 'HTTP 400',
          httpStatus: 400,
          durationMs: 7,
          usedAttempt: true,
        },
      ],
      attemptsUsed: 1,
      attemptsAllowed: 8,
      response: { httpStatus: 400, body: '{}' },
      label: 'campaign-7',
      replayOf: null,
    };
    await redis.hset(`${root}dead:${id}`, {
      name: 'rejected',
      data: JSON.stringify(letter),
      opts: '{"attempts":1000000}',
      timestamp: deadAt,
      finishedOn: deadAt,
      failedReason: 'rejected',
      high: '1',
    });
    await redis.zadd(`${root}dead:failed`, deadAt, id);
    await redis.hset(`${root}letters`, id, 'rejected p2/c1');
    await redis.zadd(`${root}letters:reason:rejected`, deadAt, id);
    await redis.zadd(`${root}letters:page:p2`, deadAt, id);
    await redis.zadd(`${root}letters:pages`, 1, 'p2');
    return id;
  }

  async function writeKept(delivered: string): Promise<string[]> {
    await redis.set(`${root}idem:p1/once`, `${delivered} ${REQUEST_HASH}`, 'PX', HOUR_MS);
    await redis.hset(`${root}holds`, 'standing:p9', '{"page":"p9","reason":"operator"}');
    await redis.hset(`${root}repairs`, 'dropped', 1);
    await redis.hset(`${root}send:meta`, { 'opts.maxLenEvents': 100, version: 'bullmq:6.7.0' });
    const limits = { rate: '300/s', rateIntervalMs: 1000 / 300, rateBurst: 1 };
    await redis.hset(`${fleet}limits`, limits);
    await redis.hset(`${fleet}traffic:359188255`, 'delivered', 1);
    const names = ['idem:p1/once', 'holds', 'repairs', 'send:meta'];
    return [...names.map((name) => root + name), `${fleet}limits`, `${fleet}traffic:359188255`];
  }

  /** Keys of limits and of places of messages: some outlive the last message by a minute, the others remain after a fault. */
  async function writeLeftovers(): Promise<string[]> {
    const strings = ['rate:p1', 'sent:p1', 'left', 'left:p1', 'turns', 'turns:p1'];
    const sorted = ['held', 'backoff', 'slots:p1', 'due'];
    const gone = `0-${ulid()}`;
    const arrival = `${Date.now()}.000 20.000000/1`;
    for (const name of strings) await redis.set(root + name, arrival, 'PX', HOUR_MS);
    for (const name of sorted) await redis.zadd(root + name, Date.now(), gone);
    for (const name of ['window:p1', 'failing:p1']) await redis.hset(root + name, gone, 'p1/c1');
    for (const name of ['ready:p1', 'high:p1']) await redis.rpush(root + name, 'p1/c1');
    for (const name of ['pages', 'asleep']) await redis.sadd(root + name, 'p1');
    await redis.rpush(`${root}lane:p1/c1`, gone);
    await redis.hset(`${root}fleet`, { concurrency: 50, window: 0, pageIntervalMs: 20, pageBurst: 1 });
    await redis.set(`${fleet}rate`, arrival, 'PX', HOUR_MS);
    const names = [...strings, ...sorted, 'window:p1', 'failing:p1', 'ready:p1', 'high:p1', 'pages', 'asleep'];
    return [...[...names, 'lane:p1/c1', 'fleet'].map((name) => root + name), `${fleet}rate`];
  }

  return {
    async writeDrained() {
      await redis.set(stamp, shards);
      const delivered = await writeDelivered();
      const letter = await writeLetter();
      const kept = await writeKept(delivered);
      const leftovers = await writeLeftovers();
      const letterKeys = [`dead:${letter}`, 'dead:failed', 'letters', 'letters:reason:rejected', 'letters:page:p2'];
      return {
        letter,
        delivered,
        request,
        keeps: [...kept, ...[...letterKeys, 'letters:pages'].map((name) => root + name)],
        removes: [...leftovers, `${root}send:${delivered}`, `${root}send:completed`],
      };
    },
    async writeOpen(place) {
      const id = `0-${ulid()}`;
      await writeJob(id);
      await redis.rpush(`${root}lane:p1/c1`, id);
      const key = `${root}send:${place}`;
      if (place === 'wait' || place === 'active' || place === 'paused') await redis.lpush(key, id);
      else await redis.zadd(key, Date.now(), id);
      return id;
    },
    async writeWorker(id, silentForMs) {
      const seenAt = Date.now() - silentForMs;
      const record = { version: '0.1.0', since: '2026-11-22T10:00:00.000Z', concurrency: 50, sending: 0, seenAt };
      await redis.hset(`${root}workers`, id, JSON.stringify(record));
    },
  };
}
