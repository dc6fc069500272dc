import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createProducer } from '../../src/producer/index.ts';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { jsonLinesOf } from '../support/cli-installation.ts';
import { type CommandResult, runProcess } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { startHttpProcess } from '../support/http-process.ts';
import { textMessage } from '../support/messages.ts';
import { startSecuredRedis } from '../support/secured-redis.ts';

/** `HUGE_JOBS=full` writes what docs/security.md names; without it, what shows the same in a tenth of the memory. */
const IS_FULL = process.env['HUGE_JOBS'] === 'full';
const BYTES = IS_FULL ? 110_000_000 : 8_000_000;
const HEAP_MB = IS_FULL ? 384 : 96;
const ROOT = '{kitechat:0}:';

/** A text that takes twice its length in a heap. Made in Redis, as any of its users may. */
const HUGE = `local huge = string.rep('x', tonumber(ARGV[1])) .. '€' `;

/** Where jobs of others can stand, as commands in a script; `id` is a job's. */
const placesOfJobs: Readonly<Record<string, string>> = {
  'the head of a lane': '',
  'in wait': `redis.call('HSET', job, 'place', 'released') redis.call('LPUSH', root .. 'send:wait', id)`,
  'put off': `redis.call('HSET', job, 'place', 'put-off', 'why', 'aside', 'next', 0)
     redis.call('SADD', root .. 'held', id) redis.call('ZADD', root .. 'send:delayed', 0, id)`,
};

/** What an administrator or a worker could write, too. */
const placesOfAdmin: Readonly<Record<string, string>> = {
  'in active': `redis.call('HSET', job, 'place', 'sending', 'attempt', 'a') redis.call('LPUSH', root .. 'send:active', id)`,
};

/** Fields beside the data. */
const fields = ['name', 'history', 'label', 'policy', 'attempt', 'replays', 'timestamp', 'used', 'next', 'why', 'due'];

/** Names that nobody gives, in the sets and lists that producers may write. */
const names: Readonly<Record<string, string>> = {
  'ids in a lane': `redis.call('LPUSH', root .. 'lane:p1/c1', huge)`,
  'ids in wait': `redis.call('LPUSH', root .. 'send:wait', huge)`,
  'waiting messages': `redis.call('ZADD', root .. 'send:waiting-children', 0, huge)`,
  'put-off messages': `redis.call('ZADD', root .. 'send:delayed', 0, huge)`,
  'held messages': `redis.call('SADD', root .. 'held', huge)`,
  'delivered messages': `redis.call('ZADD', root .. 'send:completed', 9e15, huge)`,
  'scheduled messages': `redis.call('ZADD', root .. 'due', 0, huge)`,
  pages: `redis.call('SADD', root .. 'pages', huge)`,
  'pages that sleep': `redis.call('SADD', root .. 'asleep', huge)`,
  'pages in turn': `redis.call('ZADD', root .. 'turns', -1, huge)`,
  'pages that wait': `redis.call('ZADD', root .. 'paced', 0, huge)`,
  'lanes of a page': `redis.call('ZADD', root .. 'heads:p1', 0, huge)`,
  'calls of workers': `redis.call('ZADD', root .. 'send:marker', -1, huge)`,
};

async function write(redis: Redis, commands: string, id = ''): Promise<void> {
  const script = `${HUGE} local root, id = ARGV[2], ARGV[3] local job = root .. 'send:' .. id ${commands}`;
  await redis.eval(script, 1, `${ROOT}-`, BYTES, ROOT, id);
}

async function startSite() {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await startSecuredRedis());
  const api = stack.use(await startFakeKitechat());
  const producer = stack.use(createProducer({ redisUrl: redis.urlOf('kitechat-producer') }));
  const app = stack.adopt(new Redis(redis.urlOf('kitechat-producer')), (one) => one.disconnect());
  const small = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` };
  const operator = { REDIS_URL: redis.urlOf('kitechat-operator'), ...small };
  return {
    redis,
    api,
    producer,
    app,
    operator,
    startWorker: async () =>
      stack.use(
        await startHttpProcess('worker', {
          ...small,
          REDIS_URL: redis.urlOf('kitechat-worker'),
          KITECHAT_API_URL: api.url,
          KITECHAT_API_KEY: 'key',
        }),
      ),
    startConsole: async () => stack.use(await startHttpProcess('console', operator)),
    cli: async (...args: string[]): Promise<CommandResult> => await runProcess(args, operator),
    /** Stores the first message of each conversation, and one behind it. */
    async store(page: string): Promise<{ id: string; next: string }> {
      const [id, next] = await Promise.all([
        producer.enqueueMessage(textMessage('c', 1, page)),
        producer.enqueueMessage(textMessage('c', 2, page)),
      ]);
      return { id: id.id, next: next.id };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

type Site = Awaited<ReturnType<typeof startSite>>;

/** Looks at everything with a console and the command line whose heaps are small. */
async function lookAt(site: Site, ids: readonly string[]): Promise<void> {
  const console = await site.startConsole();
  const boards = ['send', 'dead'].flatMap((queue) =>
    ['latest', 'waiting', 'active', 'delayed', 'completed', 'failed', 'waiting-children'].map(
      (status) => `/queues/api/queues?activeQueue=${queue}&status=${status}&page=1&jobsPerPage=100`,
    ),
  );
  const pages = ['/', '/pages', '/pages/p0', '/pages/p1', '/find?page=p0&conversation=c', '/find?page=p1&conversation=c1'];
  const ofIds = ids.flatMap((id) => [`/find?q=${id}`, `/queues/api/queues/send/${id}`, `/dead-letters/${id}`]);
  for (const path of [...pages, '/dead-letters', '/workers', '/metrics', ...boards, ...ofIds]) {
    const { status } = await console.ask(path, { accept: 'text/html' });
    expect([path, status < 500]).toEqual([path, true]);
  }
  console.kill('SIGTERM');
  expect(await console.ended()).toBe(0);
  const commands = [['status'], ['dead-letters', 'list'], ['dead-letters', 'export'], ...ids.map((id) => ['message', id])];
  for (const command of commands) {
    const { exitCode, stderr } = await site.cli(...command);
    expect([command, exitCode, stderr]).toEqual([command, expect.toBeOneOf([0, 1]), expect.anything()]);
  }
}

describe(`jobs of ${BYTES / 1e6} MB and a heap of ${HEAP_MB} MB`, () => {
  it.each([...Object.entries(placesOfJobs), ...Object.entries(placesOfAdmin)])(
    'twelve of them, %s: each is buried once, and what stands behind it is delivered',
    async (place, commands) => {
      await using site = await startSite();
      const stored = await Promise.all(Array.from({ length: 12 }, (_, n) => site.store(`p${n}`)));
      const writer = place in placesOfAdmin ? site.redis.admin : site.app;
      for (const { id } of stored) await write(writer, `redis.call('HSET', job, 'data', huge) ${commands}`, id);
      const [{ id = '' } = {}] = stored;
      await lookAt(site, [id]);
      const worker = await site.startWorker();
      await eventually('the messages behind them are delivered', () => site.api.requests.length === 12);
      await lookAt(site, [id]);
      const letters = jsonLinesOf(await site.cli('dead-letters', 'list', '--json'));
      expect(letters.map(({ reason }) => reason)).toEqual(Array.from({ length: 12 }, () => 'undecodable'));
      expect(await site.redis.admin.hstrlen(`${ROOT}dead:${id}`, 'data')).toBeLessThan(10_000);
      expect((await worker.ask('/healthz')).status).toBe(200);
    },
  );

  it('fields beside the data, and names in sets and lists: what a producer may write costs nobody his memory', async () => {
    await using site = await startSite();
    const stored = await Promise.all(fields.map((_, n) => site.store(`p${n}`)));
    for (const [n, { id }] of stored.entries()) await write(site.app, `redis.call('HSET', job, '${fields[n]}', huge)`, id);
    for (const commands of Object.values(names)) await write(site.app, commands);
    await lookAt(
      site,
      stored.map(({ id }) => id),
    );
    const worker = await site.startWorker();
    await eventually('the messages behind them are delivered', () => {
      const sent = new Set(site.api.requests.map(({ body }) => JSON.stringify(body)));
      return fields.every((_, n) => sent.has(JSON.stringify(textMessage('c', 2, `p${n}`))));
    });
    await lookAt(
      site,
      stored.map(({ id }) => id),
    );
    expect((await worker.ask('/healthz')).status).toBe(200);
    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
  });
});
