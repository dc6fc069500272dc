import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openQueues } from '../../src/shared/lanes/queues.ts';
import { shardOn } from '../../src/shared/lanes/shard.ts';
import { connectPatiently } from '../../src/shared/session/connect.ts';
import { createLogger } from '../../src/shared/logging/logger.ts';
import { type CliInstallation, installWithCli, jsonLinesOf } from '../support/cli-installation.ts';
import { startConsole, type TestConsole } from '../support/console.ts';
import { eventually } from '../support/eventually.ts';
import { harmlessFields, hostileFields } from '../support/hostile-jobs.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { tried } from '../support/tried.ts';

/** Longer than a lock of these workers and two checks for those that ended. */
const FREED_MS = 60_000;

describe('jobs that somebody else wrote into Redis', () => {
  const stack = new AsyncDisposableStack();
  const lines: string[] = [];
  let site: CliInstallation;
  let redis: Redis;
  let root: string;
  const written = new Map<string, { id: string; next: string; page: string }>();

  /** A message whose job is changed before a worker sees it, and a good one behind it. */
  const write = async (what: string, fields: Record<string, string>): Promise<void> => {
    const page = `p${written.size}`;
    const id = await site.enqueue({ ...textMessage('c1', 1, page), label: 'hostile' });
    const next = await site.enqueue(textMessage('c1', 2, page));
    await redis.hset(`${root}send:${id}`, fields);
    written.set(what, { id, next, page });
  };

  beforeAll(async () => {
    const server = stack.use(await startTestRedis());
    const logger = createLogger({ level: 'trace', destination: { write: (line: string) => void lines.push(line) } });
    site = stack.use(
      await installWithCli(server, { startWorker: false, config: { timeoutMs: 2500 }, hooks: { logger } }),
    );
    redis = new Redis(server.url);
    stack.defer(() => redis.disconnect());
    root = `{${site.config.namespace}:0}:`;
    // BullMQ's settings of a queue, and a job scheduler that wants a job each millisecond.
    await redis.hset(`${root}send:meta`, { paused: 1, max: 1, duration: 3_600_000, concurrency: 1 });
    await redis.set(`${root}send:limiter`, 99);
    await redis.hset(`${root}send:repeat:evil`, { name: 'evil', every: 1, ic: 1, data: '{}', opts: '{}' });
    await redis.zadd(`${root}send:repeat`, 1, 'evil');
    for (const [what, fields] of Object.entries({ ...hostileFields, ...harmlessFields })) await write(what, fields);
    site.startWorker();
  });
  afterAll(async () => await stack.disposeAsync());

  it.each(Object.keys(hostileFields))(
    '%s: never sent, a dead letter, and the conversation goes on',
    async (what) => {
      const { id, next } = written.get(what) ?? { id: '', next: '' };
      const record = await eventually(
        'it is dead',
        async () => {
          const found = await site.producer.getMessage(id);
          return found?.status === 'dead' && found;
        },
        FREED_MS,
      );
      expect(['undecodable', 'expired']).toContain(record.reason);
      await site.until(next, 'delivered');
      tried({
        against: 'redis',
        input:
          'fields of a job that no producer would have stored, among them the request of another page, 10 MB of text and `__proto__`',
        result: 'never sent, dead as `undecodable` or `expired`; the next message of the conversation is delivered',
      });
    },
    FREED_MS + 10_000,
  );

  it.each(Object.keys(harmlessFields))('%s: delivered all the same', async (what) => {
    const { id, next } = written.get(what) ?? { id: '', next: '' };
    expect(await site.until(id, 'delivered')).toMatchObject({ label: 'hostile' });
    await site.until(next, 'delivered');
    tried({
      against: 'redis',
      input:
        "BullMQ's `paused`, `max`, `duration` and `limiter`, a job scheduler, and fields of jobs: `rjk`, `defa`, parents, deduplication",
      result: 'no effect: the messages are delivered, nothing is scheduled',
    });
  });

  it('reach the API in no form: all that it got are the good messages', () => {
    const good = new Set<string>();
    for (const [what, { page }] of written) {
      good.add(JSON.stringify({ ...textMessage('c1', 2, page) }));
      if (what in harmlessFields) good.add(JSON.stringify({ ...textMessage('c1', 1, page) }));
    }
    const got = new Set(site.api.requests.map(({ body }) => JSON.stringify(body)));
    expect([...got].filter((request) => !good.has(request)).map((request) => request.slice(0, 200))).toEqual([]);
    expect(got.size).toBe(good.size);
  });

  it('are listed, shown and exported on the command line, and shown by the console', async () => {
    const listed = jsonLinesOf(await site.cli('dead-letters', 'list', '--json', '--limit', '1000'));
    expect(listed.length).toBe(Object.keys(hostileFields).length);
    expect((await site.cli('dead-letters', 'list')).exitCode).toBe(0);
    expect((await site.cli('dead-letters', 'export')).exitCode).toBe(0);
    await using console: TestConsole = await startConsole({ ...site.config, consoleShowContent: true });
    for (const { id } of listed.map((entry) => ({ id: String(entry['id']) }))) {
      const { status } = await console.visitor.get(`/dead-letters/${id}`, { accept: 'text/html' });
      expect([id, status]).toEqual([id, 200]);
    }
    expect((await console.visitor.get('/dead-letters', { accept: 'text/html' })).status).toBe(200);
  });

  it('leave one short JSON line in the log for each event', () => {
    for (const line of lines) {
      expect(line.trimEnd()).not.toMatch(/[\n\u2028\u2029]/);
      expect(line.length).toBeLessThan(10_000);
      expect(typeof JSON.parse(line)).toBe('object');
    }
  });

  it('that BullMQ would schedule are scheduled by nobody', async () => {
    const jobs = await redis.keys(`${root}send:repeat:*`);
    expect(jobs).toEqual([`${root}send:repeat:evil`]);
    expect(await redis.zcard(`${root}send:delayed`)).toBe(0);
    tried({
      against: 'redis',
      input:
        "BullMQ's `paused`, `max`, `duration` and `limiter`, a job scheduler, and fields of jobs: `rjk`, `defa`, parents, deduplication",
      result: 'no effect: the messages are delivered, nothing is scheduled',
    });
  });

  it('of which nothing can be read leave one line in the log, however many there are', () => {
    const unreadable = lines
      .map((line) => JSON.parse(line) as { reason?: string; pageId?: string | null; jobs?: number })
      .filter(({ reason, pageId }) => reason === 'undecodable' && pageId === null);
    expect(unreadable.map(({ jobs }) => jobs)).toEqual([1]);
    tried({
      against: 'redis',
      input: 'the same fields, if nothing of the message can be read',
      result: 'one line in the log',
      before: 'one each',
    });
  });

  it('that are no message at all are dropped, with a warning', async () => {
    const shard = shardOn(connectPatiently({ redisUrl: site.config.redisUrl ?? '' }), site.config.namespace ?? '', 0);
    stack.defer(() => shard.redis.disconnect());
    const { send } = await openQueues(shard);
    const big = { evil: 'x'.repeat(1024 * 1024) };
    const job = await send.add('x', big, { attempts: 1_000_000, jobId: 'by-hand' });
    await redis.lpush(`${root}send:wait`, 'there-is-none');
    await eventually('it is gone', async () => (await send.getJob(job.id ?? '')) === undefined);
    const warnings = (): string[] => lines.filter((line) => line.includes('kitechat-sender did not store'));
    await eventually('it is told', () => warnings().some((line) => line.includes('by-hand')));
    expect(warnings().filter((line) => line.includes('by-hand'))).toHaveLength(1);
    for (const line of warnings()) expect(line.length).toBeLessThan(500);
    await site.until(await site.enqueue(textMessage('after', 1)), 'delivered');
  });

  it('in the place of a dead letter: listed as undecodable, neither shown as more nor in the way of the others', async () => {
    const [first] = written.values();
    const key = `${root}dead:${first?.id}`;
    for (const data of ['{"', 'null', '[]', '{"v":1}', '{"v":1,"reason":"rejected","request":{"pageId":7}}']) {
      await redis.hset(key, 'data', data);
      const list = await site.deadLetters.list({ limit: 1000 });
      expect(list.length).toBe(Object.keys(hostileFields).length);
      expect(await site.deadLetters.get(first?.id ?? '')).toMatchObject({ reason: 'undecodable', request: null });
    }
    const { done, skipped } = await site.deadLetters.replay({ ids: [first?.id ?? ''] });
    expect([done, skipped.length]).toEqual([0, 1]);
    expect(await site.deadLetters.discard({ ids: [first?.id ?? ''] })).toMatchObject({ done: 1 });
  });
});
