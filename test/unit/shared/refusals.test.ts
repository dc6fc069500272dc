import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isReady, noteErrors } from '../../../src/shared/redis/ready.ts';
import { createRefusals, lateRefusalOf, noteRefusal, refusalOf } from '../../../src/shared/redis/refusals.ts';

const readonly = Object.assign(new Error('READONLY you can not'), { name: 'ReplyError' });
const unblocked = Object.assign(new Error('UNBLOCKED the role changed'), { name: 'ReplyError' });

function connection() {
  const redis = Object.assign(new EventEmitter(), { status: 'ready', stream: { writable: true }, disconnect: vi.fn() });
  const errors: unknown[] = [];
  redis.on('error', (error) => errors.push(error));
  return { redis: redis as unknown as Redis & typeof redis, errors };
}

describe('a connection on which Redis refuses writes', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is replaced at once if its commands are sent again', () => {
    const { redis } = connection();
    const { options, attach } = createRefusals({ isResending: true, delayMs: () => 0 });
    attach(redis);
    expect([readonly, unblocked, new Error('OOM')].map(options.reconnectOnError)).toEqual([2, 2, false]);
  });

  it('is replaced when the answers to its other commands had time to arrive, if callers get the errors', () => {
    const { redis } = connection();
    const { options, attach } = createRefusals({ isResending: false, delayMs: () => 0 });
    attach(redis);
    expect(options.reconnectOnError(new Error('OOM'))).toBe(false);
    expect(isReady(redis)).toBe(true);
    expect([readonly, unblocked, readonly].map(options.reconnectOnError)).toEqual([false, false, false]);
    expect(isReady(redis)).toBe(false);
    expect(redis.disconnect).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    expect(redis.disconnect).toHaveBeenCalledExactlyOnceWith(true);
  });

  it('is left alone if Redis itself has ended it by then: another attempt to connect would be given up', () => {
    const { redis } = connection();
    const { options, attach } = createRefusals({ isResending: false, delayMs: () => 0 });
    attach(redis);
    options.reconnectOnError(readonly);
    Object.assign(redis.stream, { destroyed: true });
    vi.advanceTimersByTime(1000);
    expect(redis.disconnect).not.toHaveBeenCalled();
  });

  it('tells so once for all its commands, and again after the next attempt', () => {
    const { redis, errors } = connection();
    const { options, attach } = createRefusals({ isResending: true, delayMs: () => 0 });
    attach(redis);
    expect(lateRefusalOf(redis)).toBeUndefined();
    for (let n = 0; n < 3; n += 1) options.reconnectOnError(readonly);
    expect(errors).toEqual([readonly]);
    expect(lateRefusalOf(redis)).toBe(readonly);
    options.retryStrategy(1);
    options.reconnectOnError(readonly);
    expect(errors).toEqual([readonly, readonly]);
  });

  it('refuses no more if only a duplicate was refused, and that some seconds ago', () => {
    const { redis } = connection();
    noteErrors(redis);
    const { options, attach } = createRefusals({ isResending: true, delayMs: () => 0 });
    attach(redis);
    options.reconnectOnError(readonly);
    expect(refusalOf(redis)).toBe(readonly);
    vi.advanceTimersByTime(3000);
    expect(refusalOf(redis)).toBeUndefined();
    redis.status = 'reconnecting';
    expect(refusalOf(redis)).toBe(readonly);
  });

  it('is opened again after longer and longer pauses, although each attempt succeeds', () => {
    const { redis } = connection();
    const { options, attach } = createRefusals({ isResending: true, delayMs: (times) => times * 100 });
    attach(redis);
    const pauses = [1, 2, 3].map(() => {
      options.reconnectOnError(readonly);
      return options.retryStrategy(1);
    });
    expect(pauses).toEqual([100, 200, 300]);
  });

  it('is replaced as well if the refusal is inside the answer of a script', () => {
    const { redis, errors } = connection();
    createRefusals({ isResending: false, delayMs: () => 0 }).attach(redis);
    noteRefusal(redis, new Error('another error'));
    vi.advanceTimersByTime(1000);
    expect(redis.disconnect).not.toHaveBeenCalled();
    noteRefusal(redis, readonly);
    vi.advanceTimersByTime(1000);
    expect(redis.disconnect).toHaveBeenCalledExactlyOnceWith(true);
    expect(errors).toEqual([readonly]);
  });
});
