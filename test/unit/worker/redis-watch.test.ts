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

it('an internal error of a connection is not told as a Redis that is away', () => {
  const redis = Object.assign(new EventEmitter(), { status: 'reconnecting' });
  const lines: string[] = [];
  watchRedis(
    redis as unknown as Redis,
    pino({}, { write: (line: string) => lines.push(line) }),
    new AbortController().signal,
  );
  redis.emit('error', new TypeError('x is not a function'));
  redis.emit('error', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }));
  expect(lines[0]).toContain('internal error on the connection to Redis, please report it');
  expect(lines.join('\n')).not.toContain('away');
});

it('a connection that ioredis has given up is opened again, unless the worker stops', () => {
  const redis = Object.assign(new EventEmitter(), { status: 'end', connect: vi.fn(async () => {}) });
  const stopping = new AbortController();
  watchRedis(redis as unknown as Redis, pino({ level: 'silent' }), stopping.signal);
  redis.emit('end');
  vi.advanceTimersByTime(2000);
  expect(redis.connect).toHaveBeenCalledOnce();
  redis.emit('end');
  stopping.abort();
  vi.advanceTimersByTime(2000);
  expect(redis.connect).toHaveBeenCalledOnce();
});

it('a start waits while its connection has ended, and ends when it is stopped', async () => {
  const redis = Object.assign(new EventEmitter(), { status: 'end', stream: { writable: false } });
  const stopping = new AbortController();
  const ready = untilReady(redis as unknown as Redis, stopping.signal);
  await Promise.resolve();
  stopping.abort();
  expect(await ready).toBe(false);
});
