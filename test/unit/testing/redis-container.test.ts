import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startRedisContainer } from '../../../src/testing/redis-container.ts';
import { RedisStartError } from '../../../src/testing/redis-errors.ts';
import type { RedisServer } from '../../../src/testing/redis-handle.ts';
import { startRedisServer } from '../../../src/testing/redis-server.ts';

const options = { args: [], port: undefined };

describe('startRedisContainer without what it takes', () => {
  it('says that testcontainers is not installed', async () => {
    const notInstalled = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    const result = await startRedisContainer(options, () => Promise.reject(notInstalled));
    expect(result).toEqual({ missing: 'the package testcontainers is not installed', cause: notInstalled });
  });

  it('says that no engine answers', async () => {
    const noEngine = new Error('Could not find a working container runtime strategy');
    const testcontainers = await import('testcontainers');
    const load = () =>
      Promise.resolve({ ...testcontainers, getContainerRuntimeClient: () => Promise.reject(noEngine) });
    expect(await startRedisContainer(options, load)).toEqual({
      missing: 'no container engine answers',
      cause: noEngine,
    });
  });
});

describe.runIf(process.env['TEST_REDIS'] === 'container')('a Redis in a container', () => {
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
