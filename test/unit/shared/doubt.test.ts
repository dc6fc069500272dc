import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { noteAnswers, probeSilent, silentForMs } from '../../../src/shared/redis/doubt.ts';

/** A connection to one Redis that answers PING, or not. */
function connection(ping: () => Promise<unknown> = async () => await Promise.resolve('PONG')) {
  const stream = Object.assign(new EventEmitter(), { writable: true, destroy: vi.fn() });
  const redis = Object.assign(new EventEmitter(), { isCluster: false, status: 'ready', stream, ping: vi.fn(ping) });
  noteAnswers(redis as unknown as Redis);
  redis.emit('connect');
  return Object.assign(redis as unknown as Redis, { ping: redis.ping, stream, hear: () => stream.emit('data') });
}

const never = async (): Promise<never> => await new Promise<never>(() => {});

describe('the silence of a connection', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'Date', 'setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  it('begins with the connection, and with everything that is heard', () => {
    const redis = connection();
    vi.advanceTimersByTime(4000);
    expect(silentForMs(redis, 'key')).toBe(4000);
    redis.hear();
    vi.advanceTimersByTime(10);
    expect(silentForMs(redis, 'key')).toBe(10);
    redis.emit('connect');
    expect(silentForMs(redis, 'key')).toBe(0);
  });

  it('is seen after a machine was suspended, though one clock stood still', () => {
    const redis = connection();
    vi.setSystemTime(Date.now() + 60_000);
    expect(silentForMs(redis, 'key')).toBe(60_000);
  });

  it('is not shortened when the clock of the machine steps back', () => {
    const redis = connection();
    vi.advanceTimersByTime(6000);
    vi.setSystemTime(Date.now() - 3_600_000);
    expect(silentForMs(redis, 'key')).toBe(6000);
  });

  it('ends the connection if a PING has no answer in time: one PING for all who ask', async () => {
    const redis = connection(never);
    const probes = Promise.all([
      probeSilent(redis, { silentMs: 0, limitMs: 500 }),
      probeSilent(redis, { silentMs: 0, limitMs: 500 }),
    ]);
    await vi.advanceTimersByTimeAsync(499);
    expect(redis.stream.destroy).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await probes;
    expect(redis.stream.destroy).toHaveBeenCalledOnce();
    expect(redis.ping).toHaveBeenCalledOnce();
  });

  it('means nothing if Redis refuses the PING, which is an answer', async () => {
    const noRight = Object.assign(new Error('NOPERM no right'), { name: 'ReplyError' });
    const redis = connection(async () => await Promise.reject(noRight));
    await probeSilent(redis, { silentMs: 0, limitMs: 500 });
    expect(redis.stream.destroy).not.toHaveBeenCalled();
  });

  it('means nothing if the PING is answered, and the next silence has a PING of its own', async () => {
    const redis = connection();
    await probeSilent(redis, { silentMs: 0, limitMs: 500 });
    await probeSilent(redis, { silentMs: 0, limitMs: 500 });
    expect(redis.ping).toHaveBeenCalledTimes(2);
    expect(redis.stream.destroy).not.toHaveBeenCalled();
  });
});
