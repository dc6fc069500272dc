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
import { tried } from '../support/tried.ts';

/** `HUGE_JOBS=full` writes what docs/security.md names; without it, what shows the same in a tenth of the memory. */
const IS_FULL = process.env['HUGE_JOBS'] === 'full';
const BYTES = IS_FULL ? 110_000_000 : 8_000_000;
const HEAP_MB = IS_FULL ? 384 : 96;
const ROOT = '{kitechat:0}:';

/** A text that takes twice its length in a heap. Made in Redis, as any of its users may. */
const HUGE = `local huge = string.rep(string.rep('x', 1000), ARGV[1] / 1000) .. '€' `;

/** Where jobs of others can stand, as commands in a script. A producer may not write the last one. */
const placesOfJobs: readonly string[] = [
  // The head of a lane.
  '',
  `redis.call('HSET', job, 'place', 'released') redis.call('LPUSH', root .. 'send:wait', id)`,
  `redis.call('HSET', job, 'place', 'put-off', 'why', 'aside', 'next', 0)
   redis.call('SADD', root .. 'held', id) redis.call('ZADD', root .. 'send:delayed', 0, id)`,
  `redis.call('HSET', job, 'place', 'sending', 'attempt', 'a') redis.call('LPUSH', root .. 'send:active', id)`,
];

/** Fields beside the data. */
const fields = [
  'name',
  'history',
  'label',
  'policy',
  'attempt',
  'trace',
  'replays',
  'timestamp',
  'used',
  'next',
  'why',
  'due',
];

/** Names that nobody gives, in the sets and lists that producers may write. */
const names: readonly string[] = [
  `redis.call('LPUSH', root .. 'lane:p1/c1', huge)`,
  `redis.call('LPUSH', root .. 'send:wait', huge)`,
  `redis.call('ZADD', root .. 'send:waiting-children', 0, huge)`,
  `redis.call('ZADD', root .. 'send:delayed', 0, huge)`,
  `redis.call('SADD', root .. 'held', huge)`,
  `redis.call('ZADD', root .. 'send:completed', 9e15, huge)`,
  `redis.call('ZADD', root .. 'due', 0, huge)`,
  `redis.call('SADD', root .. 'pages', huge)`,
  `redis.call('SADD', root .. 'asleep', huge)`,
  `redis.call('ZADD', root .. 'turns', -1, huge)`,
  `redis.call('ZADD', root .. 'paced', 0, huge)`,
  `redis.call('ZADD', root .. 'heads:p1', 0, huge)`,
];

async function write(redis: Redis, commands: string, { id = '', bytes = BYTES } = {}): Promise<void> {
  const script = `${HUGE} local root, id = ARGV[2], ARGV[3] local job = root .. 'send:' .. id ${commands}`;
  await redis.eval(script, 1, `${ROOT}-`, bytes, ROOT, id);
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
    startWorker: async () =>
      stack.use(
        await startHttpProcess('worker', {
          ...small,
          REDIS_URL: redis.urlOf('kitechat-worker'),
          KITECHAT_API_URL: api.url,
          KITECHAT_API_KEY: 'key',
        }),
      ),
    console: stack.use(await startHttpProcess('console', operator)),
    cli: async (...args: string[]): Promise<CommandResult> => await runProcess(args, operator),
    /** Stores the first message of each conversation, and one behind it. */
    async store(page: string): Promise<string> {
      const [first] = await producer.enqueueMessages([textMessage('c', 1, page), textMessage('c', 2, page)]);
      return first && 'id' in first ? first.id : '';
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

type Site = Awaited<ReturnType<typeof startSite>>;

const PATHS = [
  '/',
  '/pages',
  '/pages/p0',
  '/pages/p1',
  '/find?page=p0&conversation=c',
  '/find?page=p1&conversation=c1',
  '/dead-letters',
  '/metrics',
  '/queues/api/queues?activeQueue=send&jobsPerPage=100',
  '/queues/api/queues?activeQueue=dead&jobsPerPage=100',
];

/** Looks at everything with a console and the command line whose heaps are small. */
async function lookAt(site: Site, ids: readonly string[]): Promise<void> {
  const ofIds = ids.flatMap((id) => [`/find?q=${id}`, `/queues/api/queues/send/${id}`, `/dead-letters/${id}`]);
  for (const path of [...PATHS, ...ofIds]) {
    const { status } = await site.console.ask(path, { accept: 'text/html' });
    expect([path, status]).toEqual([path, expect.toBeOneOf([200, 404])]);
  }
  const commands = [['status'], ['dead-letters', 'list'], ['dead-letters', 'export'], ['message', ids[0] ?? '']];
  const ended = await Promise.all(commands.map(async (command) => (await site.cli(...command)).exitCode));
  expect(ended).toEqual([0, 0, 0, expect.toBeOneOf([0, 1])]);
}

describe(`a heap of ${HEAP_MB} MB`, { timeout: 400_000 }, () => {
  it(`twelve jobs with ${BYTES / 1e6} MB of data: each is buried once, and what stands behind it is delivered`, async () => {
    await using site = await startSite();
    const stored = await Promise.all(Array.from({ length: 12 }, (_, n) => site.store(`p${n}`)));
    for (const [n, id] of stored.entries()) {
      await write(site.app, `redis.call('HSET', job, 'data', huge)`, { id });
      await write(site.redis.admin, placesOfJobs[n % placesOfJobs.length] ?? '', { id, bytes: 0 });
    }
    const ids = stored.slice(0, placesOfJobs.length);
    await lookAt(site, ids);
    const worker = await site.startWorker();
    await eventually('the messages behind them are delivered', () => site.api.requests.length === 12);
    await lookAt(site, ids);
    const letters = jsonLinesOf(await site.cli('dead-letters', 'list', '--json'));
    expect(letters.map(({ reason }) => reason)).toEqual(Array.from({ length: 12 }, () => 'undecodable'));
    for (const id of stored) expect(await site.redis.admin.hstrlen(`${ROOT}dead:${id}`, 'data')).toBeLessThan(10_000);
    expect((await worker.ask('/healthz')).status).toBe(200);

    await write(site.redis.admin, `redis.call('HSET', root .. 'dead:' .. id, 'data', huge)`, { id: ids[0] ?? '' });
    await lookAt(site, ids);
    tried({
      against: 'redis',
      input:
        'twelve jobs with 110 MB of data, as heads of lanes, in `wait`, put off and in `active`; a dead letter with as much; a worker, a console and commands with heaps of 384 MB (a fourteenth of that, with a fourth of the heap, in each run; `HUGE_JOBS=full` writes all)',
      count: 13,
      result:
        'each is a dead letter once, of less than 10 kB, and the twelve messages behind them are delivered; 22 views and 4 commands answer',
      before: 'the overview and the queues failed',
    });
  });

  it('fields beside the data, and names in sets and lists, as long as that', async () => {
    await using site = await startSite();
    const stored = await Promise.all(fields.map((_, n) => site.store(`p${n}`)));
    for (const [n, id] of stored.entries()) {
      await write(site.app, `redis.call('HSET', job, '${fields[n]}', huge)`, { id });
    }
    for (const commands of names) await write(site.app, commands);
    await lookAt(site, stored);
    const worker = await site.startWorker();
    await eventually('the messages behind them are delivered', () => {
      const sent = new Set(site.api.requests.map(({ body }) => JSON.stringify(body)));
      return fields.every((_, n) => sent.has(JSON.stringify(textMessage('c', 2, `p${n}`))));
    });
    await write(site.app, `redis.call('ZADD', root .. 'send:marker', -1, huge)`);
    await eventually(
      'the worker has taken its call',
      async () => (await site.redis.admin.zcard(`${ROOT}send:marker`)) === 0,
    );
    await site.producer.enqueueMessage(textMessage('c', 3, 'p0'));
    await eventually('it goes on', () =>
      site.api.requests.some(({ body }) => JSON.stringify(body).includes('message 3')),
    );
    expect((await worker.ask('/healthz')).status).toBe(200);
    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
    tried({
      against: 'redis',
      input:
        'as `kitechat-producer`: as long a `name`, `history`, `label`, `policy`, `attempt` and seven more fields of jobs; as long ids and names in a lane, `wait`, `waiting-children`, `delayed`, `held`, `completed`, `due`, `pages`, `asleep`, `turns`, `paced`, heads and `marker`',
      count: 24,
      result: 'the messages behind them are delivered; the views and commands answer',
    });
  });
});
