import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/shared/errors/errors.ts';
import { connectionName, shardRoot, shardRoots, shardsKey } from '../../src/shared/lanes/key-names.ts';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import { removeLeftovers } from '../../src/shared/layout/leftovers.ts';
import { nodesWith } from '../../src/shared/redis/nodes-with.ts';
import { connectPatiently } from '../../src/shared/session/connect.ts';
import { agreeOnShards } from '../../src/shared/session/shard-count.ts';
import { version } from '../../src/shared/version.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { eventually } from '../support/eventually.ts';
import { layoutOne, type LayoutOne, openPlaces } from '../support/layout-one.ts';
import { startTestRedis } from '../support/redis.ts';
import { settled } from '../support/settled.ts';
import { runCommand } from '../support/run-command.ts';

const SHARDS = 2;
const STAMP = `${SHARDS} layout 2 version ${version}`;
const TOKEN = 'aabbccddeeff';

describe('the stamp of a namespace', () => {
  let server: RedisServer;
  let redis: LaneRedis;
  let namespace = '';
  let old: LayoutOne;
  beforeAll(async () => {
    server = await startTestRedis();
    redis = connectPatiently({ redisUrl: server.url });
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });
  beforeEach(() => {
    namespace = `layout-${randomUUID()}`;
    old = layoutOne(redis, namespace, SHARDS);
  });

  const agree = async (): Promise<void> => await agreeOnShards(redis, namespace, SHARDS);
  const stamp = async (): Promise<string | null> => await redis.get(shardsKey(namespace));
  const setStamp = async (text: string): Promise<void> => void (await redis.set(shardsKey(namespace), text));
  const problemOf = async (work: Promise<unknown>): Promise<string> => {
    const { error } = await settled(work);
    expect(error).toBeInstanceOf(ConfigError);
    const { problems } = error as ConfigError;
    expect(problems).toHaveLength(1);
    return problems[0] ?? '';
  };
  const existing = async (keys: readonly string[]): Promise<string[]> => {
    const found = await Promise.all(keys.map(async (key) => [key, await redis.exists(key)] as const));
    return found.flatMap(([key, count]) => (count === 1 ? [key] : [])).toSorted();
  };

  it('names shards, layout and version, and is no number, so version 0.1 refuses', async () => {
    await agree();
    expect(await stamp()).toBe(STAMP);
    expect(Number(STAMP)).toBeNaN();
    await agree();
    expect(await stamp()).toBe(STAMP);
  });

  it('of another version with the same layout is left as it is', async () => {
    await setStamp(`${SHARDS} layout 2 version 0.2.99`);
    await agree();
    expect(await stamp()).toBe(`${SHARDS} layout 2 version 0.2.99`);
  });

  it('that was deleted is set anew, and nothing is removed', async () => {
    await agree();
    await redis.sadd(`${shardRoot(namespace, 0)}pages`, 'p1');
    await redis.del(shardsKey(namespace));
    await agree();
    expect(await stamp()).toBe(STAMP);
    expect(await redis.exists(`${shardRoot(namespace, 0)}pages`)).toBe(1);
  });

  it.each(['3 layout 2 version 0.2.0', '3'])('%j, with another number of shards, is refused', async (text) => {
    await setStamp(text);
    expect(await problemOf(agree())).toBe(
      `KITECHAT_SHARDS is 2, but the namespace "${namespace}" was set up with 3: set it to 3, or use another KITECHAT_NAMESPACE`,
    );
    expect(await stamp()).toBe(text);
  });

  it.each(['resharding 2 6', 'resharding 2 6 layout 2 version 0.2.0'])('%j keeps everybody out', async (text) => {
    await setStamp(text);
    expect(await problemOf(agree())).toMatch(/is being changed from 2 shards to 6: .*"kitechat-sender reshard 6"$/);
    expect(await stamp()).toBe(text);
  });

  it.each([
    ['2 layout 3 version 0.3.0', 'has layout 3 and was written by a newer version (0.3.0): upgrade this process'],
    ['2 layout 3 version 0.3.0 and more', 'a newer version (0.3.0): upgrade this process'],
    ['resharding 2 4 layout 3 version 0.3.0', 'has layout 3 and was written by a newer version: upgrade this process'],
    ['something else', '"something else", which version'],
  ])('%j is refused with what to do', async (text, expected) => {
    await setStamp(text);
    expect(await problemOf(agree())).toContain(expected);
    expect(await stamp()).toBe(text);
  });

  describe('of version 0.1', () => {
    it('is taken over when all is drained: what has ended goes, and letters, keys, holds and limits stay', async () => {
      const { keeps, removes } = await old.writeDrained();
      await agree();
      expect(await stamp()).toBe(STAMP);
      expect(await existing(removes)).toEqual([]);
      expect(await existing(keeps)).toEqual(keeps.toSorted());
      expect(await redis.hgetall(`{${namespace}:fleet}:limits`)).toEqual({ rate: '300/s' });
    });

    it('leaves other namespaces alone', async () => {
      await old.writeDrained();
      const other = `${namespace}x`;
      const { keeps, removes } = await layoutOne(redis, other, SHARDS).writeDrained();
      await agree();
      expect(await existing([...keeps, ...removes])).toEqual([...keeps, ...removes].toSorted());
      expect(await redis.get(shardsKey(other))).toBe(String(SHARDS));
    });

    it.each(openPlaces)('is refused while a message is open (%s), and nothing is changed', async (place) => {
      const { keeps, removes } = await old.writeDrained();
      await old.writeOpen(place);
      expect(await problemOf(agree())).toBe(
        `the namespace "${namespace}" has the layout of version 0.1 and 1 open message: drain it with version 0.1, then start this version`,
      );
      expect(await stamp()).toBe(String(SHARDS));
      expect(await existing([...keeps, ...removes])).toEqual([...keeps, ...removes].toSorted());
    });

    it('is refused while a worker of that version lives; one that is silent, or was seen before the clock was set back, is dead', async () => {
      await old.writeDrained();
      await old.writeWorker('host-1', 3000);
      expect(await problemOf(agree())).toMatch(/workers of that version are running \(host-1\): stop them, then start/);
      expect(await stamp()).toBe(String(SHARDS));
      await old.writeWorker('host-1', 11_000);
      await old.writeWorker('host-2', -3_600_000);
      await agree();
      expect(await stamp()).toBe(STAMP);
    });

    it('is refused by the command line in one sentence, with exit code 2', async () => {
      await old.writeDrained();
      await old.writeOpen('delayed');
      await old.writeOpen('wait');
      const env = { REDIS_URL: server.url, KITECHAT_NAMESPACE: namespace, KITECHAT_SHARDS: String(SHARDS) };
      const { exitCode, stderr } = await runCommand(['hold', '--all'], env);
      expect(exitCode).toBe(2);
      expect(stderr.join(' ')).toMatch(/ 2 open messages: drain it with version 0\.1, then start this version$/);
    });
  });

  describe('of a namespace that is being taken over', () => {
    it.each(['closing', 'clearing'])('lets the next process go on where another one died (%s)', async (step) => {
      const { keeps, removes } = await old.writeDrained();
      await setStamp(`taking-over ${SHARDS} ${step} ${TOKEN}`);
      await agree();
      expect(await stamp()).toBe(STAMP);
      expect(await existing(removes)).toEqual([]);
      expect(await existing(keeps)).toEqual(keeps.toSorted());
    });

    it('goes back to version 0.1 if a message was stored at the last moment', async () => {
      await old.writeDrained();
      await old.writeOpen('wait');
      await setStamp(`taking-over ${SHARDS} closing ${TOKEN}`);
      expect(await problemOf(agree())).toContain('1 open message');
      expect(await stamp()).toBe(String(SHARDS));
    });

    it('does not let a process that is late remove what others have stored since', async () => {
      await old.writeDrained();
      const takeOver = { shards: SHARDS, token: TOKEN };
      await removeLeftovers(redis, namespace, takeOver);
      const root = shardRoot(namespace, 0);
      await redis.sadd(`${root}held`, 'a message');
      await redis.rpush(`${root}lane:p1/c1`, 'a message');
      await removeLeftovers(redis, namespace, takeOver);
      expect(await existing([`${root}held`, `${root}lane:p1/c1`])).toHaveLength(2);
    });
  });

  describe('with many processes', () => {
    const clients: { disconnect(): void }[] = [];
    const connect = (): LaneRedis => {
      const client = connectPatiently({ redisUrl: server.url }, connectionName(namespace));
      clients.push(client);
      return client;
    };
    afterEach(() => {
      for (const client of clients.splice(0)) client.disconnect();
    });

    it('that take over at once, all agree, and what the first one stores stays', async () => {
      const { removes } = await old.writeDrained();
      const root = shardRoot(namespace, 0);
      // Some thousand pages, so that it takes a while.
      const rates = Array.from({ length: 5000 }, (_, n) => `${root}rate:p${n}`);
      await Promise.all(rates.map((key) => redis.set(key, '1795941279761.000 20.000000/1')));
      const start = async (n: number): Promise<void> => {
        const client = connect();
        await agreeOnShards(client, namespace, SHARDS);
        await client.sadd(`${root}held`, `process ${n}`);
        await client.zadd(`${root}turns`, n, `process ${n}`);
      };
      await Promise.all(Array.from({ length: 12 }, (_, n) => start(n)));
      expect(await stamp()).toBe(STAMP);
      expect(await redis.scard(`${root}held`)).toBe(12);
      expect(await redis.zcard(`${root}turns`)).toBe(12);
      expect(await existing(removes)).toEqual([`${root}held`, `${root}turns`]);
    });

    it('ends the connections of version 0.1, so that its apps are told when they connect again', async () => {
      await old.writeDrained();
      const ended: string[] = [];
      for (const url of server.url.split(',')) {
        for (const name of [connectionName(namespace), 'somebody-else']) {
          const app = new Redis(url, { connectionName: name });
          app.on('close', () => ended.push(name));
          clients.push(app);
          await app.ping();
        }
      }
      await agree();
      const nodes = await nodesWith(redis, [shardsKey(namespace), ...shardRoots(namespace, SHARDS)]);
      await eventually('the apps have lost their connections', () => ended.length >= nodes.length);
      expect(ended).not.toContain('somebody-else');
    });
  });
});
