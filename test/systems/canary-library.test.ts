import type { Settings } from '../support/settings.ts';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDeadLetters } from '../../src/dead-letters/index.ts';
import { createProducer } from '../../src/producer/index.ts';
import { createLogger } from '../../src/shared/logging/logger.ts';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { createWorker, type WorkerHooks } from '../../src/worker/index.ts';
import { everythingOf, expectNoSecrets, newCanaries } from '../support/canaries.ts';
import { eventually } from '../support/eventually.ts';
import { install } from '../support/worker.ts';
import { runCommand } from '../support/run-command.ts';

const canaries = newCanaries();
const message = {
  pageId: 'p1',
  conversationId: 'c1',
  message: { type: 'text' as const, text: canaries.content },
};

/** As libraries throw them: with the request, the answer and the configuration on them. */
function errorWithSecrets(): Error {
  const { apiKey, content } = canaries;
  const inner = Object.assign(new Error(`inner ${apiKey}`), { config: { headers: { apikey: apiKey } } });
  return Object.assign(new TypeError(`${apiKey} and ${content}\n    at ${apiKey} (x.js:1:1)`, { cause: inner }), {
    code: apiKey,
    request: { body: content, headers: { apikey: apiKey } },
    response: { body: content },
    errors: [inner],
    toJSON: () => ({ apiKey, content }),
  });
}

describe('what the library throws and logs', () => {
  const stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'kitechat-canary-'));
  const encryptionKeysFile = join(folder, 'keys.json');
  let server: RedisServer;
  let silent: Server;
  const url = (password: string, port = server.port): string =>
    `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`;

  beforeAll(async () => {
    server = stack.use(await startRedisServer({ args: ['--requirepass', canaries.redisPassword] }));
    silent = createServer((socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    stack.defer(() => void silent.close());
    writeFileSync(encryptionKeysFile, JSON.stringify({ k1: canaries.encryptionKey }));
  });
  afterAll(async () => {
    await stack.disposeAsync();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What a producer and an operator meet with this configuration. */
  async function failuresWith(config: Settings): Promise<unknown[]> {
    const failures: unknown[] = [];
    const note = (error: unknown): void => void failures.push(error);
    try {
      await using producer = createProducer({ enqueueTimeoutMs: 1000, ...config });
      await producer.enqueueMessage(message, { idempotencyKey: 'k' }).catch(note);
      await producer.enqueueMessages([message, message]).catch(note);
      await producer.getMessage('0-01HZX3T3T3T3T3T3T3T3T3T3T3').catch(note);
      await producer.cancelMessage('0-01HZX3T3T3T3T3T3T3T3T3T3T3').catch(note);
      await using letters = openDeadLetters({ enqueueTimeoutMs: 1000, ...config });
      await letters.list().catch(note);
      await letters.replay({ filter: {} }).catch(note);
    } catch (error) {
      note(error);
    }
    return failures;
  }

  it.each<[string, () => Settings, number]>([
    ['a wrong password', () => ({ redisUrl: url(`${canaries.redisPassword}-wrong`) }), 6],
    ['no password', () => ({ redisUrl: `redis://127.0.0.1:${server.port}` }), 6],
    ['a Redis that is not there', () => ({ redisUrl: url(canaries.redisPassword, 1) }), 6],
    [
      'a Redis that hangs',
      () => ({ redisUrl: url(canaries.redisPassword, (silent.address() as AddressInfo).port) }),
      6,
    ],
    ['TLS where there is none', () => ({ redisUrl: url(canaries.redisPassword).replace('redis:', 'rediss:') }), 6],
    ['an address that is none', () => ({ redisUrl: `${url(canaries.redisPassword)}:x` }), 1],
    [
      'a file that is none',
      () => ({ redisUrl: url(canaries.redisPassword), encryptionKeysFile: canaries.encryptionKey }),
      1,
    ],
    ['another number of shards', () => ({ redisUrl: url(canaries.redisPassword), shards: 7, namespace: 'sharded' }), 6],
  ])('with %s: no error holds a secret', async (what, config, count) => {
    if (what === 'another number of shards') {
      await using first = createProducer({ redisUrl: url(canaries.redisPassword), namespace: 'sharded' });
      await first.enqueueMessage(message);
    }
    const failures = await failuresWith(config());
    expect(failures.length).toBeGreaterThanOrEqual(count);
    for (const failure of failures) expectNoSecrets('an error', everythingOf(failure), canaries);
  });

  it('without memory, with a full queue, with a bad request: no error holds a secret', async () => {
    await using admin = new AsyncDisposableStack();
    const redis = new Redis(url(canaries.redisPassword));
    admin.defer(() => redis.disconnect());
    await using producer = createProducer({ redisUrl: url(canaries.redisPassword), maxQueued: 1, encryptionKeysFile });
    const failures: unknown[] = [];
    const note = (error: unknown): void => void failures.push(error);
    await redis.config('SET', 'maxmemory', '1mb');
    await producer.enqueueMessage(message).catch(note);
    await redis.config('SET', 'maxmemory', '0');
    await producer.enqueueMessages([message, message, message]).catch(note);
    await producer.enqueueMessage({ ...message, pageId: `${canaries.content}\n` }).catch(note);
    await producer.enqueueMessage({ ...message, message: { type: 'image', url: canaries.content } }).catch(note);
    await producer
      .enqueueMessage({ ...message, message: { type: 'text', text: canaries.content.repeat(2000) } })
      .catch(note);
    await producer.enqueueMessage(message, { label: `${canaries.content}\n` }).catch(note);
    expect(failures.map((failure) => (failure as { code: string }).code)).toEqual([
      'QUEUE_FULL',
      'BULK_ENQUEUE',
      ...Array.from({ length: 4 }, () => 'INVALID_MESSAGE'),
    ]);
    for (const failure of failures) expectNoSecrets('an error', everythingOf(failure), canaries);
  });

  it.each<[string, WorkerHooks]>([
    [
      'resolveApiKey throws',
      {
        resolveApiKey: () => {
          throw errorWithSecrets();
        },
      },
    ],
    ['resolveApiKey rejects', { resolveApiKey: () => Promise.reject(errorWithSecrets()) }],
    ['resolveApiKey gives a key that can not be sent', { resolveApiKey: () => `${canaries.apiKey}\n` }],
    [
      'classifyResponse throws',
      {
        classifyResponse: () => {
          throw errorWithSecrets();
        },
      },
    ],
    ['classifyResponse gives another word', { classifyResponse: () => canaries.content as 'failed' }],
    [
      'fetch throws',
      {
        fetch: () => {
          throw errorWithSecrets();
        },
      },
    ],
    ['fetch rejects', { fetch: () => Promise.reject(errorWithSecrets()) }],
    ['fetch rejects with no error', { fetch: () => rejectedWith(canaries.content) }],
    ['fetch gives a body that breaks', { fetch: () => Promise.resolve(new Response(brokenBody())) }],
  ])('when the hook %s: no line of the log holds a secret', async (what, hooks) => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'trace', destination: { write: (line: string) => void lines.push(line) } });
    const config = { redisUrl: url(canaries.redisPassword), apiKey: canaries.apiKey, encryptionKeysFile };
    await using site = await install(
      { url: url(canaries.redisPassword) },
      { config, hooks: { logger, ...hooks }, startWorker: false },
    );
    const worker = site.startWorker();
    for (const event of ['attempt', 'claim'] as const) {
      worker.on(event, () => {
        throw errorWithSecrets();
      });
    }
    const id = await site.enqueue(message);
    await eventually('it was tried', async () => ((await site.producer.getMessage(id))?.attempts.length ?? 0) > 0);
    await eventually('it was told', () => lines.some((line) => line.includes('"msg":"attempt"')));
    expect([what, lines.length > 2]).toEqual([what, true]);
    expectNoSecrets('the log', lines.join(''), canaries);
    expectNoSecrets('what is known of the message', JSON.stringify(await site.producer.getMessage(id)), canaries);
  });

  it('a worker that can not start says why, and nothing of its keys', async () => {
    for (const more of [
      { apiKey: `${canaries.apiKey}\n` },
      { apiKeyFile: canaries.apiKey },
      { apiKeysFile: encryptionKeysFile },
    ]) {
      const start = async (): Promise<void> =>
        await createWorker({
          redisUrl: url(canaries.redisPassword),
          logLevel: 'silent',
          ...more,
          namespace: 'n\n',
        }).run();
      const failure = await start().catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'INVALID_CONFIG' });
      expectNoSecrets('an error', everythingOf(failure), canaries);
    }
  });

  it('every command says what is wrong with Redis and the input, and nothing of it', async () => {
    const env = { REDIS_URL: url(`${canaries.redisPassword}-wrong`), KITECHAT_CONSOLE_TOKEN: canaries.consoleToken };
    const commands = [
      ['status'],
      ['message', '0-01HZX3T3T3T3T3T3T3T3T3T3T3'],
      ['cancel', '0-01HZX3T3T3T3T3T3T3T3T3T3T3'],
      ['dead-letters', 'list'],
      ['dead-letters', 'export'],
      ['hold', '--all'],
      ['limits', 'show'],
      ['reshard', '2'],
    ];
    const results = await Promise.all(commands.map((command) => runCommand(command, env)));
    for (const [n, { exitCode, stdout, stderr }] of results.entries()) {
      expect([commands[n], exitCode]).toEqual([commands[n], 3]);
      expect(stderr.join('\n')).toContain('the user or the password in the URL of Redis is wrong');
      expectNoSecrets(String(commands[n]), [...stdout, ...stderr].join('\n'), canaries);
    }
    const lines = [
      `{"pageId": "${canaries.content}`,
      JSON.stringify({ ...message, ttlMs: canaries.content }),
      JSON.stringify(message),
    ];
    const sent = await runCommand(['send'], env, lines.map((line) => line.replaceAll('\n', '\\n')).join('\n'));
    expect(sent.exitCode).toBe(3);
    expectNoSecrets('send', [...sent.stdout, ...sent.stderr].join('\n'), canaries);
  });
});

async function rejectedWith(what: unknown): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  reject(what);
  return await promise;
}

function brokenBody(): ReadableStream {
  return new ReadableStream({
    start(stream) {
      stream.enqueue(Buffer.from(`${canaries.content} ${canaries.apiKey}`));
      stream.error(errorWithSecrets());
    },
  });
}
