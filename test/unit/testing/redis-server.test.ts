import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { listen } from '../../../src/testing/fake-api/listen.ts';
import { RedisMissingError, RedisStartError } from '../../../src/testing/redis/redis-errors.ts';
import { answersPing } from '../../../src/testing/redis/redis-pong.ts';
import { startRedisServer } from '../../../src/testing/redis/redis-server.ts';
import type { RedisServer } from '../../../src/testing/redis/redis-handle.ts';
import { replaceBuiltin } from '../../support/replace-builtin.ts';
import { newFolderOfTest } from '../../support/folder-of-test.ts';

const onPath = { engine: 'path' } as const;

function clientOf({ url }: RedisServer): Redis {
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  client.on('error', () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** So that what is left behind can be told from what other tests are using. */
async function ownTemporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kitechat-test-'));
  vi.stubEnv('TMPDIR', folder);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });
  return folder;
}

function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => error);
}

async function takenPort(): Promise<number> {
  const server: Server = createServer();
  onTestFinished(() => {
    server.close();
  });
  return listen(server, '127.0.0.1', 0);
}

describe('startRedisServer', () => {
  it('starts a Redis that keeps nothing on disk, never evicts and listens on loopback only', async () => {
    await using redis = await startRedisServer(onPath);
    const client = clientOf(redis);
    const config = async (name: string): Promise<unknown> => Object.values(await client.config('GET', name)).at(-1);
    expect(redis.url).toBe(`redis://127.0.0.1:${redis.port}`);
    expect(await client.ping()).toBe('PONG');
    expect(await config('save')).toBe('');
    expect(await config('appendonly')).toBe('no');
    expect(await config('maxmemory-policy')).toBe('noeviction');
    expect(await config('bind')).toBe('127.0.0.1');
    expect(await config('dir')).toBe(redis.dir);
  });

  it('gives each its own port, process and folder', async () => {
    await using first = await startRedisServer(onPath);
    await using second = await startRedisServer(onPath);
    await clientOf(first).set('a', '1');
    expect(await clientOf(second).get('a')).toBeNull();
    expect([first.port, first.pid, first.dir]).not.toEqual([second.port, second.pid, second.dir]);
  });

  it('lets more arguments win over its own', async () => {
    await using redis = await startRedisServer({ ...onPath, args: ['--maxmemory', '5mb', '--appendonly', 'yes'] });
    const client = clientOf(redis);
    expect(await client.config('GET', 'maxmemory')).toContain('5242880');
    expect(await client.config('GET', 'appendonly')).toContain('yes');
  });

  it('keeps the data across SIGKILL if asked for, on the same port', async () => {
    await using redis = await startRedisServer({ ...onPath, appendOnly: true });
    const { url, pid } = redis;
    const client = clientOf(redis);
    expect(await client.config('GET', 'appendfsync')).toContain('everysec');
    await client.set('a', '1');
    await redis.kill();
    expect(redis.pid).toBeNull();
    await expect(clientOf(redis).ping()).rejects.toThrow();
    await redis.restart();
    expect(await clientOf(redis).get('a')).toBe('1');
    expect(redis.url).toBe(url);
    expect(redis.pid).not.toBe(pid);
  });

  it('starts empty after a kill otherwise', async () => {
    await using redis = await startRedisServer(onPath);
    await clientOf(redis).set('a', '1');
    await redis.kill('SIGTERM');
    await redis.restart();
    expect(await clientOf(redis).get('a')).toBeNull();
  });

  it('restarts one that runs, without losing what it had', async () => {
    await using redis = await startRedisServer({ ...onPath, appendOnly: true });
    await clientOf(redis).set('a', '1');
    await redis.restart();
    expect(await clientOf(redis).get('a')).toBe('1');
  });

  it('answers nothing while it is paused, and everything when it is resumed', async () => {
    await using redis = await startRedisServer(onPath);
    const client = clientOf(redis);
    await client.ping();
    await redis.pause();
    const answer = client.ping();
    const first = await Promise.race([answer, sleep(100, 'silence')]);
    await redis.resume();
    expect(first).toBe('silence');
    expect(await answer).toBe('PONG');
  });

  it('can stop one that is paused', async () => {
    const redis = await startRedisServer(onPath);
    const { pid } = redis;
    await redis.pause();
    await redis.stop();
    expect(isAlive(Number(pid))).toBe(false);
  });

  it('can restart one that is paused, and lets it end in peace first', async () => {
    await using redis = await startRedisServer({ ...onPath, appendOnly: true });
    await clientOf(redis).set('a', '1');
    await redis.pause();
    await redis.restart();
    expect(await clientOf(redis).get('a')).toBe('1');
    expect(await readFile(join(String(redis.dir), 'redis.log'), 'utf8')).toContain('Received SIGTERM');
  });

  it('ends and removes its folder on stop, twice if need be, and stays stopped', async () => {
    const redis = await startRedisServer(onPath);
    const [pid, dir] = [Number(redis.pid), String(redis.dir)];
    expect([isAlive(pid), existsSync(dir)]).toEqual([true, true]);
    await redis.stop();
    await redis.stop();
    expect([isAlive(pid), existsSync(dir)]).toEqual([false, false]);
    await expect(redis.restart()).rejects.toThrow('start a new one');
  });

  it('leaves a folder that it was given, with the data, for the next one', async () => {
    const dir = newFolderOfTest();
    const options = { ...onPath, appendOnly: true, dir: join(dir, 'new') };
    const first = await startRedisServer(options);
    await clientOf(first).set('a', '1');
    await first.stop();
    await using second = await startRedisServer(options);
    expect(second.dir).toBe(options.dir);
    expect(await clientOf(second).get('a')).toBe('1');
  });

  it('tries another port if the first one is taken', async () => {
    const taken = await takenPort();
    const { randomInt } = crypto;
    const draw = vi.fn((min: number, max: number) => randomInt(min, max));
    draw.mockReturnValueOnce(taken).mockReturnValueOnce(taken);
    replaceBuiltin(crypto, 'randomInt', draw as never);
    await using redis = await startRedisServer(onPath);
    expect(redis.port).not.toBe(taken);
    expect(draw).toHaveBeenCalledTimes(3);
    expect(await clientOf(redis).ping()).toBe('PONG');
  });

  it('says so if the given port is taken, and leaves no folder', async () => {
    const folder = await ownTemporaryFolder();
    const port = await takenPort();
    await expect(startRedisServer({ ...onPath, port })).rejects.toThrow(`Port ${port} is taken`);
    expect(await readdir(folder)).toEqual([]);
  });

  it('shows the end of the log if the server refuses its arguments, and leaves no folder', async () => {
    const folder = await ownTemporaryFolder();
    const error = await errorOf(startRedisServer({ ...onPath, args: ['--nonsense', '1'] }));
    expect(error).toBeInstanceOf(RedisStartError);
    expect(error).toMatchObject({ code: 'REDIS_START' });
    expect(String(error)).toContain('nonsense');
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes the second program if the first is not on the PATH', async () => {
    await using redis = await startRedisServer({ ...onPath, programs: ['no-such-redis', 'redis-server'] });
    expect(await clientOf(redis).ping()).toBe('PONG');
  });

  it('says how to get a Redis if there is none, and leaves no folder', async () => {
    const folder = await ownTemporaryFolder();
    const error = await errorOf(startRedisServer({ ...onPath, programs: ['no-such-redis', 'nor-this'] }));
    expect(error).toBeInstanceOf(RedisMissingError);
    expect(error).toMatchObject({ code: 'REDIS_MISSING' });
    expect(String(error)).toMatch(
      /There is no Redis to start \(no no-such-redis or nor-this on the PATH\)\. .*Install/,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses a folder for a container', async () => {
    await expect(startRedisServer({ engine: 'container', dir: '/tmp' })).rejects.toThrow(/dir: .*use engine 'path'/);
  });
});

describe('a Redis whose starter is gone', () => {
  const script = join(import.meta.dirname, 'starts-redis-process.ts');

  async function expectGone({ port, dir }: { port: number; dir: string }): Promise<void> {
    await vi.waitFor(
      async () => {
        expect(existsSync(dir)).toBe(false);
        expect(await answersPing('127.0.0.1', port, 0)).toBe(false);
      },
      { timeout: 100_000 },
    );
  }

  it.each(['SIGKILL', 'SIGTERM'] as const)('ends, with its folder, after %s', async (signal) => {
    const starter = spawn(process.execPath, [script, 'wait'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = (await once(starter.stdout, 'data')) as [Buffer];
    const redis = JSON.parse(line.toString()) as { port: number; dir: string };
    expect(await answersPing('127.0.0.1', redis.port, 0)).toBe(true);
    starter.kill(signal);
    await expectGone(redis);
  });

  it('ends, with its folder, when the starter forgets to stop it', async () => {
    const starter = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await expectGone(JSON.parse(await text(starter.stdout)) as { port: number; dir: string });
  });
});
