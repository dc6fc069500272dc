import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RedisStartError } from '../../src/testing/redis/redis-errors.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';

describe('a Redis in a container', () => {
  const engine = 'container';

  async function getFrom({ url }: RedisServer, key: string): Promise<string | null> {
    const client = new Redis(url);
    try {
      return await client.get(key);
    } finally {
      client.disconnect();
    }
  }

  it('keeps its port and, if asked for, its data across SIGKILL, and can be frozen', async () => {
    await using redis = await startRedisServer({ engine, appendOnly: true });
    const client = new Redis(redis.url, { retryStrategy: () => null });
    onTestFinished(() => client.disconnect());
    client.on('error', () => {});
    await client.set('a', '1');
    await redis.pause();
    const answer = client.ping();
    const first = await Promise.race([answer, sleep(100, 'silence')]);
    await redis.resume();
    expect([first, await answer]).toEqual(['silence', 'PONG']);
    await redis.kill();
    await redis.restart();
    expect(await getFrom(redis, 'a')).toBe('1');
    await redis.pause();
    await redis.restart();
    expect(await getFrom(redis, 'a')).toBe('1');
    await redis.stop();
    await redis.stop();
    await expect(redis.restart()).rejects.toThrow('start a new one');
  });

  it('shows the end of the log if the server refuses its arguments', async () => {
    const error: unknown = await startRedisServer({ engine, args: ['--nonsense', '1'] }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RedisStartError);
    expect(String(error)).toContain('nonsense');
  });

  it('says so if the given port is taken', async () => {
    await using redis = await startRedisServer({ engine });
    await expect(startRedisServer({ engine, port: redis.port })).rejects.toThrow(`Port ${redis.port} is taken`);
  });
});
