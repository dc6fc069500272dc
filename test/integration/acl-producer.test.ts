import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProducer } from '../../src/producer/index.ts';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { createWorker } from '../../src/worker/index.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { type SecuredRedis, startSecuredRedis, users } from '../support/secured-redis.ts';
import { settled } from '../support/settled.ts';
import { tried } from '../support/tried.ts';

const SEND = '{kitechat:0}:send:';
const SHARDS = '{kitechat}:shards';
const producers = ['kitechat-producer', 'kitechat-producer-lookup'];
const JOB = '0-01ARZ3NDEKTSV4RRFFQ69G5FAV';

/** What would stop, slow or mislead BullMQ's own workers, or ours. */
const ofWorkers = [
  ['HSET', `${SEND}meta`, 'paused', '1'],
  ['HSET', `${SEND}meta`, 'max', '1', 'duration', '3600000', 'concurrency', '1'],
  ['DEL', `${SEND}meta`],
  ['HSET', '{kitechat:0}:dead:meta', 'paused', '1'],
  ['SET', `${SEND}limiter`, '99'],
  ['SET', `${SEND}id`, 'x'],
  ['HSET', `${SEND}repeat:evil`, 'every', '1'],
  ['ZADD', `${SEND}repeat`, '1', 'evil'],
  ['ZADD', `${SEND}prioritized`, '1', 'evil'],
  ['ZADD', `${SEND}failed`, '1', JOB],
  ['LPUSH', `${SEND}paused`, JOB],
  ['LPUSH', `${SEND}active`, JOB],
  ['DEL', `${SEND}active`],
  ['SADD', `${SEND}stalled`, JOB],
  ['SET', `${SEND}stalled-check`, '1'],
  ['DEL', `${SEND}${JOB}:lock`],
  ['RPUSH', `${SEND}${JOB}:logs`, 'x'],
  ['DEL', `${SEND}completed`],
  ['SET', SHARDS, '7'],
  ['DEL', SHARDS],
  ['EVAL', "return redis.call('SET', KEYS[1], '7')", '1', SHARDS],
];
const ofOtherTypes = [
  ...['send:wait', 'send:waiting-children', 'send:delayed', 'turns', 'pages', 'heads:p1', 'counts', 'lane:p1/c1'].map(
    (name) => ['SET', `{kitechat:0}:${name}`, 'a text in its place'],
  ),
  ['DEL', `${SEND}wait`],
  ['RPUSH', '{kitechat:0}:turns', 'x'],
];
const hostile = [...ofWorkers, ...ofOtherTypes];

describe('the user of an app', () => {
  let redis: SecuredRedis;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    redis = stack.use(await startSecuredRedis());
  });
  afterAll(async () => await stack.disposeAsync());

  /** What Redis answers to a command of the user: an error's first word, or 'allowed'. */
  async function answerTo(user: string, commands: readonly (readonly string[])[]): Promise<string[]> {
    const client = new Redis(redis.urlOf(user));
    try {
      return await Promise.all(
        commands.map(async ([name = '', ...args]) => {
          const { error } = await settled(client.call(name, ...args));
          return `${name} ${args.join(' ')}: ${error instanceof Error ? (error.message.split(' ')[0] ?? '') : 'allowed'}`;
        }),
      );
    } finally {
      client.disconnect();
    }
  }

  it.each(producers)('%s sets a namespace up that no process has set up, and nobody can change that', async (user) => {
    await redis.admin.del(SHARDS);
    await using producer = createProducer({ redisUrl: redis.urlOf(user), shards: 2 });
    await producer.enqueueMessage(textMessage('c1', 1));
    const stamp = await redis.admin.get(SHARDS);
    expect(stamp).toMatch(/^2 layout 2 /);
    await answerTo(user, [['SETNX', SHARDS, '7'], ...hostile]);
    expect(await redis.admin.get(SHARDS)).toBe(stamp);
    expect(await answerTo(user, [['SETNX', `${SEND}limiter`, '7']])).toEqual([expect.stringContaining('NOPERM')]);
    tried({
      against: 'redis',
      input: '`SETNX {kitechat}:shards 7` and the writes of the next two rows, after an app has set the namespace up',
      count: hostile.length + 1,
      result: 'the number of shards stays',
      before: 'it became 7, and workers ended at their next connection',
    });
    await redis.admin.flushall();
  });

  it('that may not set a namespace up is told so, until a process that may has done it', async () => {
    const rights = (users.get('kitechat-producer') ?? '').replace(/^on/, 'on >secret').replace(/\(\+setnx [^)]*\)/, '');
    await redis.admin.call('ACL', 'SETUSER', 'app', ...(rights.match(/\([^)]*\)|\S+/g) ?? []));
    const redisUrl = `redis://app:secret@127.0.0.1:${redis.server.port}`;
    await using producer = createProducer({ redisUrl });
    const { error } = await settled(producer.enqueueMessage(textMessage('c1', 1)));
    expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
    expect(String(error)).toMatch(/no process has set the namespace "kitechat" up yet.*SETNX.*start a worker first/);
    const { exitCode, stderr } = await runCommand(
      ['send'],
      { REDIS_URL: redisUrl },
      JSON.stringify(textMessage('c1', 1)),
    );
    expect([exitCode, stderr.join('\n')]).toEqual([2, expect.stringContaining('start a worker first')]);

    const worker = createWorker({
      redisUrl: redis.urlOf('kitechat-worker'),
      apiUrl: 'http://127.0.0.1:1/',
      apiKey: 'key',
      logLevel: 'silent',
    });
    const running = worker.run();
    await eventually('the worker has set it up', async () => (await redis.admin.exists(SHARDS)) === 1);
    expect(await producer.enqueueMessage(textMessage('c1', 1))).toMatchObject({ duplicate: false });
    await worker.close();
    await running;
    await redis.admin.flushall();
  });

  it('goes on in a conversation in which somebody wrote ids that are none, before and behind its messages', async () => {
    await using producer = createProducer({ redisUrl: redis.urlOf('kitechat-producer') });
    await producer.enqueueMessage(textMessage('other', 1));
    const high = { priority: 'high' } as const;
    await redis.admin.rpush('{kitechat:0}:lane:p1/before', 'meta');
    await producer.enqueueMessage(textMessage('before', 1), high);
    const { id } = await producer.enqueueMessage(textMessage('behind', 1));
    await redis.admin.rpush('{kitechat:0}:lane:p1/behind', 'meta');
    await producer.enqueueMessage(textMessage('behind', 2), high);
    expect(await producer.cancelMessage(id)).toBe('cancelled');
    expect(await redis.admin.zrange('{kitechat:0}:heads:p1', '0', '-1')).toContain('p1/behind');
    expect(await redis.admin.exists(`${SEND}meta`)).toBe(0);
    tried({
      against: 'redis',
      input: "ids that are none in a lane, before and behind an app's messages",
      count: 2,
      result: 'the app goes on to store and cancel, and nothing is written under such an id',
    });
    await redis.admin.flushall();
  });

  describe('of an installation at work', () => {
    it.each(producers)('%s can neither pause nor limit it, nor change what only workers write', async (user) => {
      await using api = await startFakeKitechat();
      const worker = createWorker({
        redisUrl: redis.urlOf('kitechat-worker'),
        apiUrl: api.url,
        apiKey: 'key',
        logLevel: 'silent',
      });
      const running = worker.run();
      await using producer = createProducer({ redisUrl: redis.urlOf(user) });
      await producer.enqueueMessage(textMessage('c1', 1));
      await eventually('it delivers', () => api.requests.length === 1);
      expect((await answerTo(user, hostile)).filter((answer) => !answer.endsWith(': NOPERM'))).toEqual([]);
      await producer.enqueueMessages(manyMessages(20, 1));
      await eventually('it delivers all', () => api.requests.length === 21);
      tried({
        against: 'redis',
        input:
          "as `kitechat-producer` and `kitechat-producer-lookup`: BullMQ's `paused`, `max` and `duration`, a limiter, schedulers, `active`, `stalled`, locks, `SET` and `DEL` of `{kitechat}:shards`, also by a script",
        count: ofWorkers.length,
        result: '`NOPERM`, and the next 20 messages are delivered',
        before: 'all allowed',
      });
      tried({
        against: 'redis',
        input:
          'as the same users: a text in place of `send:wait`, `waiting-children`, `delayed`, `turns`, `pages`, `counts`, heads and a lane; `DEL send:wait`; a list in place of a set',
        count: ofOtherTypes.length,
        result: '`NOPERM`',
        before: '9 of 10 allowed; with six of these keys no message was stored for 22 to 32 s',
      });
      await worker.close();
      await running;
      await redis.admin.flushall();
    });
  });
});
