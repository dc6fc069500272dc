import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProducer, type EnqueueItem, type Producer } from '../../src/producer/index.ts';
import { type Fault, type FakeKitechat, startFakeKitechat } from '../../src/testing/index.ts';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { expectNoSecrets, newCanaries } from '../support/canaries.ts';
import { type CommandProcess, startCommand } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { type HttpProcess, startHttpProcess } from '../support/http-process.ts';

const canaries = newCanaries();
/** An API, or something before it, that tells what it was sent. */
const echo = `you sent ${canaries.content} with ${canaries.apiKey} ${encodeURIComponent(canaries.apiKey)} ${Buffer.from(canaries.apiKey).toString('base64')}`;
const echoed = (status: number, more: object = {}): Fault => ({
  kind: 'status',
  status,
  body: { success: false, message: echo, echo },
  ...more,
});
/** What the API, or the way to it, does to the nth message. */
const troubles: Fault[] = [
  echoed(400),
  echoed(404),
  echoed(500, { times: 1 }),
  echoed(429, { retryAfter: 0, times: 1 }),
  echoed(503, { retryAfter: 0, times: 1 }),
  echoed(401, { times: 1 }),
  echoed(302, { times: 1 }),
  { kind: 'status', status: 200, body: echo },
  { kind: 'success-false' },
  { kind: 'reset', when: 'before', times: 1 },
  { kind: 'reset', when: 'after', times: 1 },
  { kind: 'hang', times: 1 },
  { kind: 'redirect', location: `/${encodeURIComponent(canaries.content)}`, times: 1 },
  { kind: 'broken-body' },
  { kind: 'garbage', times: 1 },
  { kind: 'huge-body', bytes: 200_000 },
];
const item = (n: number): EnqueueItem => ({
  pageId: 'p1',
  conversationId: `c${n}`,
  message: { type: 'text', text: `${canaries.content} nr-${n}.` },
});

describe('a worker at the finest log level, its console and its Redis, through every fault', () => {
  const stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'kitechat-canary-'));
  const files = {
    token: join(folder, 'token'),
    pages: join(folder, 'pages.json'),
    encryption: join(folder, 'keys.json'),
    wrongEncryption: join(folder, 'wrong-keys.json'),
  };
  let server: RedisServer;
  let api: FakeKitechat;
  let redis: Redis;
  let producer: Producer;
  let worker: HttpProcess;
  const others: CommandProcess[] = [];
  const pages: [path: string, body: string][] = [];

  const env = (): Record<string, string> => ({
    REDIS_URL: urlWith(canaries.redisPassword),
    KITECHAT_API_URL: api.url,
    KITECHAT_API_KEYS_FILE: files.pages,
    KITECHAT_CONSOLE_TOKEN_FILE: files.token,
    KITECHAT_ENCRYPTION_KEYS_FILE: files.encryption,
    KITECHAT_TIMEOUT_MS: '500',
    KITECHAT_BACKOFF_MS: '10',
    KITECHAT_BACKOFF_MAX_MS: '20',
    LOG_LEVEL: 'trace',
  });
  const urlWith = (password: string): string => `redis://:${encodeURIComponent(password)}@127.0.0.1:${server.port}`;
  const output = ({ stdout, stderr }: CommandProcess): string => [...stdout, ...stderr].join('\n');
  const look = async (path: string): Promise<void> => {
    const { body } = await worker.ask(path, { authorization: `Bearer ${canaries.consoleToken}`, accept: 'text/html' });
    pages.push([path, body]);
  };

  beforeAll(async () => {
    server = stack.use(await startRedisServer({ args: ['--requirepass', canaries.redisPassword] }));
    redis = new Redis(urlWith(canaries.redisPassword));
    redis.on('error', () => {});
    stack.defer(() => redis.disconnect());
    api = stack.use(
      await startFakeKitechat({
        faults: troubles.map((fault, n) => ({ ...fault, match: { textIncludes: `nr-${n}.` } })),
        apiKeys: [canaries.apiKey],
      }),
    );
    writeFileSync(files.encryption, JSON.stringify({ k1: canaries.encryptionKey }));
    producer = stack.use(
      createProducer({ redisUrl: urlWith(canaries.redisPassword), encryptionKeysFile: files.encryption }),
    );
    writeFileSync(files.token, canaries.consoleToken);
    writeFileSync(files.pages, JSON.stringify({ p1: canaries.apiKey, p2: canaries.apiKey }));
    worker = stack.use(await startHttpProcess('worker', env()));
  });
  afterAll(async () => {
    await stack.disposeAsync();
    rmSync(folder, { recursive: true, force: true });
  });

  it('goes through what the API and the network do to requests', async () => {
    await producer.enqueueMessages(troubles.map((_fault, n) => item(n)));
    const refused = ['nr-0.', 'nr-1.', 'nr-8.'];
    await eventually('all are delivered or dead', async () => {
      const delivered = new Set(api.accepted.map(({ conversationId }) => conversationId));
      const dead = await redis.zcard('{kitechat:0}:dead:failed');
      return dead === refused.length && delivered.size === troubles.length - refused.length;
    });
    expect(api.report().accepted).toBeGreaterThanOrEqual(troubles.length - refused.length);
  });

  it('goes through what Redis does: no memory, no scripts, a lost connection, another password, an end', async () => {
    await redis.config('SET', 'maxmemory', '1mb');
    await producer.enqueueMessage(item(100)).catch(() => {});
    await redis.config('SET', 'maxmemory', '0');
    await redis.script('FLUSH');
    await eventually('it is stored', async () => await producer.enqueueMessage(item(101)).catch(() => null));
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await eventually('it is stored', async () => await producer.enqueueMessage(item(102)).catch(() => null));
    await redis.config('SET', 'requirepass', 'another');
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await worker.lineWhere('stdout', (line) => line.includes('Redis is away or refuses the connection'));
    await producer.enqueueMessage(item(103)).catch(() => {});
    await look('/');
    await look('/healthz');
    await redis.config('SET', 'requirepass', canaries.redisPassword);
    await eventually('it is stored', async () => await producer.enqueueMessage(item(104)).catch(() => null));
    const cutOff = stack.use(
      startCommand(['worker'], { ...env(), REDIS_URL: urlWith(`${canaries.redisPassword}-wrong`) }),
    );
    await cutOff.lineWhere('stdout', (line) => line.includes('Redis is away or refuses the connection'));
    others.push(cutOff);
    expect(await worker.lineWhere('stdout', (line) => line.includes('Redis is back'))).toContain('Redis is back');
  });

  it('goes through jobs that can not be read, keys files that are broken, and dies', async () => {
    const { id } = await producer.enqueueMessage({ ...item(200), pageId: 'p2' }, { delayMs: 200 });
    await redis.hset(`{kitechat:0}:send:${id}`, 'data', JSON.stringify({ v: 99, content: canaries.content }));
    for (const broken of [
      `{"p1": "${canaries.apiKey}`,
      `{"${canaries.apiKey}": 7}`,
      `"${canaries.apiKey}"`,
      '{"p1":"a\\nb"}',
    ]) {
      const before = worker.stdout.length;
      writeFileSync(files.pages, broken);
      await worker.lineWhere(
        'stdout',
        (line) => worker.stdout.indexOf(line) >= before && line.includes('can not be used'),
      );
    }
    for (const path of [
      '/',
      '/dead-letters',
      '/pages',
      '/workers',
      '/find?q=c1',
      '/metrics',
      '/queues',
      '/readyz',
      '/nothing',
    ]) {
      await look(path);
    }
    const ids = await redis.zrange('{kitechat:0}:dead:failed', 0, '-1');
    expect(ids.length).toBeGreaterThan(2);
    for (const dead of ids) {
      for (const path of [`/dead-letters/${dead}`, `/queues/api/queues/dead/${dead}`, `/find?q=${dead}`]) {
        await look(path);
      }
    }
    await worker.ask('/', { authorization: `Bearer ${canaries.consoleToken}-wrong` });
    await worker.ask(`/?token=${encodeURIComponent('wrong')}`);
    const started = readFileSync(`/proc/${worker.pid}/cmdline`, 'utf8');
    expectNoSecrets('the command line of the process', started, canaries);
    worker.kill('SIGKILL');
    await worker.ended();
  });

  it('refuses at its start what can not be right, and prints nothing of it', async () => {
    const { apiKey, consoleToken, redisPassword, encryptionKey } = canaries;
    const wrong: Record<string, string>[] = [
      { KITECHAT_API_KEY: `${apiKey}\nx`, KITECHAT_API_KEYS_FILE: '' },
      { KITECHAT_API_KEY_FILE: apiKey, KITECHAT_API_KEYS_FILE: '' },
      { KITECHAT_API_KEYS_FILE: apiKey },
      { KITECHAT_API_KEYS_FILE: files.token },
      { KITECHAT_CONSOLE_TOKEN: consoleToken.slice(0, 12), KITECHAT_CONSOLE_TOKEN_FILE: '' },
      { KITECHAT_CONSOLE_TOKEN: `${consoleToken} x`, KITECHAT_CONSOLE_TOKEN_FILE: '' },
      { KITECHAT_CONSOLE_TOKEN_FILE: consoleToken },
      { REDIS_URL: `redis://user:${redisPassword}@host:port` },
      { REDIS_URL: `redis://:%E0%A4%A${redisPassword}@127.0.0.1:1` },
      { REDIS_URL: `http://:${redisPassword}@127.0.0.1` },
      { KITECHAT_API_URL: `https://user:${apiKey}@example.com` },
      { KITECHAT_ENCRYPTION_KEYS_FILE: encryptionKey },
      { KITECHAT_ENCRYPTION_KEYS_FILE: files.wrongEncryption },
      { KITECHAT_NAMESPACE: apiKey },
      { LOG_LEVEL: apiKey },
      { KITECHAT_RATE_LIMIT: apiKey },
    ];
    writeFileSync(files.wrongEncryption, JSON.stringify({ k1: encryptionKey.slice(1), [encryptionKey]: 'k2' }));
    for (const more of wrong) {
      await using command = startCommand(['worker'], { ...env(), ...more });
      expect([Object.keys(more), await command.ended()]).toEqual([Object.keys(more), 2]);
      expectNoSecrets(`the output with ${Object.keys(more).join(', ')}`, output(command), canaries);
    }
  });

  it('said none of it on stdout and stderr', () => {
    for (const each of [worker, ...others]) {
      expect(output(each).length).toBeGreaterThan(200);
      expectNoSecrets('the output of a worker', output(each), canaries);
    }
  });

  it('showed none of it on a page, in its metrics or its health', () => {
    expect(pages.length).toBeGreaterThan(15);
    for (const [path, body] of pages) expectNoSecrets(path, body, canaries);
  });

  it('left none of it in Redis, where content is encrypted', async () => {
    const names = await redis.keys('*');
    expectNoSecrets('the names of keys', names.join('\n'), canaries);
    expectNoSecrets('the list of connections', String(await redis.client('LIST')), canaries);
    for (const name of names) expectNoSecrets(name, await textOf(redis, name), canaries);
  });
});

async function textOf(redis: Redis, key: string): Promise<string> {
  switch (await redis.type(key)) {
    case 'hash':
      return JSON.stringify(await redis.hgetall(key));
    case 'string':
      return (await redis.get(key)) ?? '';
    case 'list':
      return (await redis.lrange(key, 0, -1)).join('\n');
    case 'stream':
      return JSON.stringify(await redis.xrange(key, '-', '+'));
    default:
      return (await redis.dump(key)) ?? '';
  }
}
