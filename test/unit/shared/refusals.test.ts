import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import type { RedisClient } from '../../../src/shared/redis/cluster.ts';
import { createRefusals, lateRefusalOf, noteRefusal } from '../../../src/shared/redis/refusals.ts';

const readonly = Object.assign(new Error('READONLY you can not'), { name: 'ReplyError' });
const unblocked = Object.assign(new Error('UNBLOCKED the role changed'), { name: 'ReplyError' });

function connection() {
  const redis = Object.assign(new EventEmitter(), { status: 'ready', stream: { writable: true }, disconnect: vi.fn() });
  const errors: unknown[] = [];
  redis.on('error', (error) => errors.push(error));
  return { redis: redis as unknown as RedisClient & typeof redis, errors };
}

describe('a connection on which Redis refuses writes', () => {
  it.each([
    { isResending: true, answer: 2 },
    { isResending: false, answer: 1 },
  ])('is replaced, and its commands are sent again: $isResending', ({ isResending, answer }) => {
    const { redis } = connection();
    const { options, attach } = createRefusals({ isResending, delayMs: () => 0 });
    attach(redis);
    expect(options.reconnectOnError(readonly)).toBe(answer);
    expect(options.reconnectOnError(unblocked)).toBe(answer);
    expect(options.reconnectOnError(new Error('OOM'))).toBe(false);
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
    expect(redis.disconnect).not.toHaveBeenCalled();
    noteRefusal(redis, readonly);
    expect(redis.disconnect).toHaveBeenCalledExactlyOnceWith(true);
    expect(errors).toEqual([readonly]);
  });
});
