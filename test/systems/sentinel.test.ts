import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProducer, QueueUnavailableError } from '../../src/producer/index.ts';
import { randomPort } from '../../src/testing/redis/random-port.ts';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { jsonLinesOf } from '../support/cli-installation.ts';
import { runProcess, startCommand } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { startHttpProcess } from '../support/http-process.ts';
import { textMessage } from '../support/messages.ts';
import { startRedisProxy } from '../support/redis-proxy.ts';
import { type RedisSentinel, startRedisSentinel } from '../support/redis-sentinel.ts';
import { install } from '../support/worker.ts';

const { message, ...conversation } = textMessage('c1', 1);

describe('a Redis that sentinels watch, with a password of its own and one of the sentinels', () => {
  const stack = new AsyncDisposableStack();
  let group: RedisSentinel;
  let url: string;

  beforeAll(async () => {
    group = stack.use(await startRedisSentinel({ password: 'p@redis', sentinelPassword: 'p@sentinel' }));
    url = `${group.url}?sentinelPassword=p%40sentinel`;
  });
  afterAll(async () => await stack.disposeAsync());

  const at = (sentinels: readonly string[], rest = `/${group.name}?sentinelPassword=p%40sentinel`): string =>
    `redis+sentinel://:p%40redis@${sentinels.join(',')}${rest}`;
  const hosts = (): string[] => group.sentinels.map(({ host, port }) => `${host}:${port}`);

  it('carries messages from the app through the worker; commands and the console show them', async () => {
    await using api = await startFakeKitechat();
    const env = { REDIS_URL: at(hosts(), `/${group.name}/3?sentinelPassword=p%40sentinel`) };
    await using _worker = startCommand(['worker'], {
      ...env,
      KITECHAT_API_URL: api.url,
      KITECHAT_API_KEY: 'key',
    });
    const sent = await runProcess(['send'], env, JSON.stringify(textMessage('c1', 1)));
    expect(sent.exitCode).toBe(0);
    await api.waitForAccepted(1);
    await eventually('it is delivered', async () => {
      const [status] = jsonLinesOf(await runProcess(['status', '--json'], env));
      return status?.['sending'] === 0 && status['queued'] === 0;
    });
    await using console = await startHttpProcess('console', env);
    await eventually('its page is there', async () => (await console.ask('/')).status === 200);
  });

  it('is found when the first sentinels are away or silent, within two seconds', async () => {
    await using silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const away = [randomPort(), (silent.address() as AddressInfo).port].map((port) => `127.0.0.1:${port}`);
    const startedAt = performance.now();
    await using producer = createProducer({ redisUrl: at([...away, ...hosts().slice(0, 1)]) });
    await producer.enqueueMessage({ ...conversation, message });
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it('is reached at another address than the one that sentinels name, if a map has it', async () => {
    const { port } = await group.primary();
    await using proxy = await startRedisProxy(port);
    const redisNatMap = `127.0.0.1:${port}=${new URL(proxy.url).host}`;
    await using producer = createProducer({ redisUrl: url, redisNatMap });
    await producer.enqueueMessage({ ...conversation, message });
    expect(proxy.connections).toBe(1);
  });

  it.concurrent.each<[string, () => string, string]>([
    [
      'no sentinel answers',
      () => at([`127.0.0.1:${randomPort()}`, `127.0.0.1:${randomPort()}`]),
      'none of its sentinels answers',
    ],
    [
      'they know no such name',
      () => at(hosts(), '/othermaster?sentinelPassword=p%40sentinel'),
      'its sentinels know no primary of that name',
    ],
    [
      'they want another password',
      () => at(hosts(), `/${group.name}?sentinelPassword=hunter2`),
      'its sentinels refuse the login',
    ],
    ['they want a password', () => at(hosts(), `/${group.name}`), 'its sentinels refuse the login'],
    [
      'Redis wants another password',
      () => at(hosts()).replace('p%40redis', 'hunter2'),
      'the user or the password in the URL of Redis is wrong',
    ],
  ])('says what to do if %s', async (_what, redisUrl, advice) => {
    await using producer = createProducer({ redisUrl: redisUrl(), enqueueTimeoutMs: 500 });
    const error = await producer.enqueueMessage({ ...conversation, message }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(QueueUnavailableError);
    expect(String(error)).toContain(advice);
    expect(inspect(error)).not.toMatch(/hunter2|p%40|p@/);
  });

  it.each([
    ['goes on as a replica', 'ask'],
    ['is frozen, with its connections open', 'freeze'],
  ] as const)('is followed within five seconds of a promotion when the old primary %s', async (_what, how) => {
    await group.untilReplicated();
    await using site = await install({ url });
    await site.until(await site.enqueue({ ...conversation, message }), 'delivered');
    await group.untilReplicated();
    const { old, atMs } = await group.failOver(how);
    await using producer = createProducer({ redisUrl: url, namespace: site.config.namespace });
    const { id } = await producer.enqueueMessage({ ...conversation, message });
    await eventually('it is delivered', async () => (await producer.getMessage(id))?.status === 'delivered');
    expect(Date.now() - atMs).toBeLessThan(5000);
    if (how === 'freeze') await old.resume();
  });
});
