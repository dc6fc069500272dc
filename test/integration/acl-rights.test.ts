import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, createProducer } from '../../src/producer/index.ts';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import { createWorker } from '../../src/worker/index.ts';
import { textMessage, unknownId } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { aclFile, type SecuredRedis, startSecuredRedis, users } from '../support/secured-redis.ts';
import { tried } from '../support/tried.ts';
import { writeLetters } from '../support/written-letters.ts';

const SHARD = '{kitechat:0}:';
const [producer, lookup, events, notify, worker, operator, reader, reshard] = [
  'kitechat-producer',
  'kitechat-producer-lookup',
  'kitechat-events',
  'kitechat-notify',
  'kitechat-worker',
  'kitechat-operator',
  'kitechat-reader',
  'kitechat-reshard',
] as const;

describe('the users of ops/redis-acl/users.acl', () => {
  let redis: SecuredRedis;
  let letter = '';
  const stack = new AsyncDisposableStack();
  const clients = new Map<string, Redis>();
  beforeAll(async () => {
    redis = stack.use(await startSecuredRedis());
    const died = { pageId: 'p1', conversationId: 'c1', text: 'what a message said' };
    [letter = ''] = await writeLetters(redis.admin, 'kitechat', [died]);
    await redis.admin.hset('{other:0}:send:1', 'data', 'of another installation');
    for (const user of users.keys()) {
      const client = new Redis(redis.urlOf(user));
      client.on('error', () => {});
      clients.set(user, client);
      stack.defer(() => client.disconnect());
    }
  });
  afterAll(async () => await stack.disposeAsync());

  const answer = async (user: string, ...command: string[]): Promise<string> => {
    const [name = '', ...args] = command;
    const client = clients.get(user);
    if (!client) throw new Error(`no user ${user}`);
    try {
      await client.call(name, ...args);
      return 'allowed';
    } catch (error) {
      return error instanceof Error ? (error.message.split(' ')[0] ?? '') : '';
    }
  };

  it('are the seven roles, and that of changing the number of shards; the default user is off', () => {
    expect([...users.keys()]).toEqual(['default', producer, lookup, events, notify, worker, operator, reader, reshard]);
    expect(users.get('default')).toBe('off');
  });

  it.each([producer, lookup, events, notify, worker, operator, reader, reshard])(
    '%s can not touch the server, or anything of others',
    async (user) => {
      const forbidden = [
        ['FLUSHALL'],
        ['FLUSHDB'],
        ['KEYS', '*'],
        ['CONFIG', 'GET', '*'],
        ['CONFIG', 'SET', 'maxmemory', '1'],
        ['ACL', 'LIST'],
        ['ACL', 'SETUSER', user, 'allcommands'],
        ['MONITOR'],
        ['SAVE'],
        ['SHUTDOWN'],
        ['REPLICAOF', '127.0.0.1', '1'],
        ['MODULE', 'LIST'],
        ['MIGRATE', '127.0.0.1', '1', 'x', '0', '1'],
        ['SLOWLOG', 'GET'],
        ['PUBLISH', 'x', 'y'],
        ['SUBSCRIBE', 'x'],
        ['FUNCTION', 'LIST'],
        ['SCRIPT', 'FLUSH'],
        ['HGET', '{other:0}:send:1', 'data'],
        ['HGET', '{kitechat2:0}:send:1', 'data'],
        ['GET', '{kitechat2}:shards'],
        ['SET', 'kitechat', '1'],
        ['EVAL', "return redis.call('HGET', KEYS[1], 'data')", '1', '{other:0}:send:1'],
      ];
      for (const command of forbidden) {
        const allowed = await answer(user, ...command);
        expect([command.join(' '), allowed]).toEqual([command.join(' '), 'NOPERM']);
      }
    },
  );

  it('a script reaches no further than its caller: not into another installation, though it names no key of it', async () => {
    const script = "return redis.pcall('HGET', '{other:' .. '0}:send:1', 'data')";
    for (const user of [producer, worker, operator, reader, reshard]) {
      await expect(clients.get(user)?.eval(script, 0)).rejects.toThrow(/NOPERM|executing the script/);
    }
  });

  it('only who changes the number of shards may list keys and connections, and end some', async () => {
    for (const user of [producer, lookup, worker, operator, reader]) {
      for (const command of [
        ['SCAN', '0'],
        ['CLIENT', 'LIST'],
        ['CLIENT', 'KILL', 'ID', '0'],
      ]) {
        expect([user, await answer(user, ...command)]).toEqual([user, 'NOPERM']);
      }
    }
    expect(await answer(reshard, 'CLIENT', 'LIST')).toBe('allowed');
  });

  it.each([producer, lookup])(
    '%s neither lists, changes nor removes dead letters, nor holds or limits',
    async (user) => {
      const dead = `${SHARD}dead:${letter}`;
      const forbidden = [
        ['ZRANGE', `${SHARD}dead:failed`, '0', '-1'],
        ['ZREM', `${SHARD}dead:failed`, letter],
        ['HGETALL', dead],
        ['HSET', dead, 'data', '{}'],
        ['DEL', dead],
        ['HGETALL', `${SHARD}letters`],
        ['HSET', `${SHARD}holds`, 'standing:*', '{}'],
        ['HSET', `${SHARD}fleet`, 'concurrency', '1'],
        ['HDEL', `${SHARD}fleet`, 'intervalMs'],
        ['HINCRBY', `${SHARD}fleet`, 'mark', '1'],
        ['HDEL', '{kitechat:fleet}:held', 'limited api'],
        ['HSET', '{kitechat:fleet}:held', 'refusing api', '{}'],
        ['HSET', '{kitechat:fleet}:limits', 'rate', '1/h'],
        ['HGETALL', `${SHARD}workers`],
        ['XADD', '{kitechat:fleet}:audit', '*', 'by', 'anna'],
        ['XREVRANGE', '{kitechat:fleet}:audit', '+', '-'],
        ['EVAL', "return redis.call('HGETALL', KEYS[1])", '1', dead],
      ];
      for (const command of forbidden) {
        const allowed = await answer(user, ...command);
        expect([command.join(' '), allowed]).toEqual([command.join(' '), 'NOPERM']);
      }
      tried({
        against: 'redis',
        input:
          'reading and changing dead letters, holds, limits and the record of actions; `HINCRBY` of `mark` in the hash `fleet`, `HSET` and `HDEL` of the hash `{kitechat:fleet}:held`',
        count: forbidden.length,
        result: '`NOPERM`',
        before: '`HINCRBY`, `HSET` and `HDEL` were allowed',
      });
    },
  );

  it('workers and operators record actions, and a reader only reads them', async () => {
    const append = ['XADD', '{kitechat:fleet}:audit', 'MAXLEN', '~', '10000', '*', 'by', 'anna'];
    const read = ['XREVRANGE', '{kitechat:fleet}:audit', '+', '-', 'COUNT', '1'];
    for (const user of [worker, operator]) {
      expect([user, await answer(user, ...append), await answer(user, ...read)]).toEqual([user, 'allowed', 'allowed']);
    }
    expect([await answer(reader, ...append), await answer(reader, ...read)]).toEqual(['NOPERM', 'allowed']);
  });

  it('a reader may run no command that can write, but end sessions of the console', async () => {
    const [general, ...selectors] = users.get(reader)?.split(/ (?=\()/) ?? [];
    expect(selectors).toEqual(['(+set ~{kitechat:fleet}:ended:*)']);
    const names = general?.match(/(?<=\+)[a-z]+(?=\s|$)/g) ?? [];
    expect(names.length).toBeGreaterThan(10);
    const known = (await redis.admin.call('COMMAND', 'INFO', ...names)) as [string, number, string[]][];
    expect(known.filter(([, , flags]) => flags.includes('write')).map(([name]) => name)).toEqual([]);
    const deletion = clients.get(reader)?.eval("return redis.call('DEL', KEYS[1])", 1, `${SHARD}holds`);
    await expect(deletion).rejects.toThrow(/NOPERM|executing the script/);
    expect(await answer(reader, 'SET', '{kitechat:fleet}:ended:x', '1', 'PX', '1000')).toBe('allowed');
    expect(await answer(reader, 'SET', '{kitechat:fleet}:limits', '1')).toBe('NOPERM');
  });

  it('a producer reads no dead letter; one with the right to look messages up reads the one whose id it knows', async () => {
    const dead = `${SHARD}dead:${letter}`;
    expect(await answer(producer, 'HGET', dead, 'data')).toBe('NOPERM');
    expect(await answer(lookup, 'HGET', dead, 'data')).toBe('allowed');

    await using blind = createProducer({ redisUrl: redis.urlOf(producer) });
    const refusal = { code: 'QUEUE_UNAVAILABLE', cause: { code: 'NOPERM' } };
    await expect(blind.getMessage(letter)).rejects.toMatchObject(refusal);
    await using seeing = createProducer({ redisUrl: redis.urlOf(lookup) });
    expect(await seeing.getMessage(letter)).toMatchObject({ status: 'dead' });
  });

  it('a producer that may look messages up reads the history of a conversation, and changes nothing that it reads there', async () => {
    const ended = `${SHARD}send:${unknownId}`;
    await redis.admin.hset(ended, 'lane', 'p1/c1', 'place', 'ended', 'why', 'delivered', 'data', '{}');
    await redis.admin.zadd(`${SHARD}send:completed`, 1, unknownId);
    const asked = { pageId: 'p1', conversationId: 'c1' };
    await using blind = createProducer({ redisUrl: redis.urlOf(producer) });
    const refusal = { code: 'QUEUE_UNAVAILABLE', cause: { code: 'NOPERM' } };
    await expect(blind.history(asked)[Symbol.asyncIterator]().next()).rejects.toMatchObject(refusal);
    await using seeing = createProducer({ redisUrl: redis.urlOf(lookup) });
    const scheduled = await seeing.enqueueMessage(textMessage('c1', 1), { delayMs: 3_600_000 });
    const found: Record<string, string> = {};
    for await (const { id, status } of seeing.history(asked)) found[id] = status;
    expect(found).toEqual({ [scheduled.id]: 'scheduled', [letter]: 'dead', [unknownId]: 'delivered' });
    expect(await answer(lookup, 'ZREM', `${SHARD}letters:page:p1`, letter)).toBe('NOPERM');
    expect(await answer(lookup, 'ZREM', `${SHARD}send:completed`, unknownId)).toBe('NOPERM');
    await seeing.cancelMessage(scheduled.id);
    await redis.admin.del(ended);
    await redis.admin.zrem(`${SHARD}send:completed`, unknownId);
  });

  it('a user without enough rights is told so at once, as Redis being unavailable', async () => {
    await redis.admin.call(
      'ACL',
      'SETUSER',
      'poor',
      'on',
      '>poor',
      '~{kitechat:*}:*',
      '~{kitechat}:*',
      '+@connection',
      '+info',
    );
    await using poor = createProducer({ redisUrl: `redis://poor:poor@127.0.0.1:${redis.server.port}` });
    const error: unknown = await poor.enqueueMessage(textMessage('c1', 1)).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'QUEUE_UNAVAILABLE', cause: { code: 'NOPERM' } });
    expect(String(error)).toMatch(/the Redis user lacks a right.*users\.acl/);
  });

  it('a reader that changes something is told which rights it lacks, also by a script; and it is no worker', async () => {
    await redis.admin.set('{kitechat}:shards', '1 layout 2 version 0.2.0');
    const env = { REDIS_URL: redis.urlOf(reader), KITECHAT_API_KEY: 'key' };
    const refused = /Redis user lacks a right; ops\/redis-acl\/users\.acl .*, NOPERM\)$/m;
    for (const args of [['hold', '--all'], ['limits', 'set', '--rate', '5/s'], ['send']]) {
      const { exitCode, stderr } = await runCommand(args, env, JSON.stringify(textMessage('c1', 1)));
      expect([args, exitCode, stderr.join('\n')]).toEqual([args, 3, expect.stringMatching(refused)]);
      expect(stderr.join('\n')).not.toContain('Check that Redis is running');
    }
    const without = createWorker({ redisUrl: env.REDIS_URL, apiKey: 'key', logger: pino({ level: 'silent' }) });
    await expect(without.run()).rejects.toThrow(ConfigError);
    await without.close();
  });
});

it('the file lets nobody in as it is: each user needs a password first', async () => {
  await using bare = await startRedisServer({ args: ['--aclfile', aclFile] });
  for (const login of ['', ...users.keys()].map((user) => (user === '' ? '' : `${user}:`))) {
    const client = new Redis(`redis://${login}@127.0.0.1:${bare.port}`, { retryStrategy: () => null });
    client.on('error', () => {});
    await expect(client.ping()).rejects.toThrow();
    client.disconnect();
  }
});
