import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createRefusals } from '../../../src/shared/redis/refusals.ts';
import { untilReady, watchRedis } from '../../../src/worker/fleet/redis-watch.ts';

const readonly = Object.assign(new Error('READONLY you can not'), { name: 'ReplyError' });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('a Redis that refused only the blocking connection is back when it has refused nothing for a while', () => {
  const redis = Object.assign(new EventEmitter(), { status: 'ready', stream: { writable: true } });
  const { options, attach } = createRefusals({ isResending: true, delayMs: () => 0 });
  attach(redis as unknown as Redis);
  const said: string[] = [];
  const logger = pino({}, { write: (line: string) => said.push((JSON.parse(line) as { msg: string }).msg) });
  watchRedis(redis as unknown as Redis, logger, new AbortController().signal);
  for (const outage of [1, 2]) {
    options.reconnectOnError(readonly);
    options.retryStrategy(1);
    expect(said).toHaveLength(2 * outage - 1);
    vi.advanceTimersByTime(5000);
    expect(said.at(-1)).toBe('Redis is back');
  }
  expect(said).toHaveLength(4);
});

it('a start whose connection has ended fails, instead of asking again without a pause', async () => {
  const redis = Object.assign(new EventEmitter(), { status: 'end', stream: { writable: false } });
  const ready = untilReady(redis as unknown as Redis, new AbortController().signal);
  await expect(ready).rejects.toThrow('ended');
});

it('a start that is stopped while it waits does not fail, although its connection has ended by then', async () => {
  const redis = Object.assign(new EventEmitter(), { status: 'connecting', stream: { writable: false } });
  const stopping = new AbortController();
  const ready = untilReady(redis as unknown as Redis, stopping.signal);
  stopping.abort();
  redis.status = 'end';
  redis.emit('end');
  expect(await ready).toBe(false);
});
