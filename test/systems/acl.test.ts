import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openEvents } from '../../src/events/index.ts';
import { createProducer, type Producer } from '../../src/producer/index.ts';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { createWorker } from '../../src/worker/index.ts';
import { jsonLinesOf } from '../support/cli-installation.ts';
import type { CommandResult } from '../support/command-line.ts';
import { createVisitor } from '../support/console.ts';
import { eventually } from '../support/eventually.ts';
import { startHttpProcess } from '../support/http-process.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { startNotify } from '../support/notify/notify-process.ts';
import { startWebhookReceiver } from '../support/notify/webhook-receiver.ts';
import { type SecuredRedis, startSecuredRedis } from '../support/secured-redis.ts';
import { runCommand } from '../support/run-command.ts';
import { useFolder } from '../support/use-folder.ts';

vi.setConfig({ testTimeout: 180_000 });

describe('an installation whose processes have only the rights of ops/redis-acl/users.acl', () => {
  let redis: SecuredRedis;
  const folder = useFolder();
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    redis = stack.use(await startSecuredRedis());
  });
  afterAll(async () => await stack.disposeAsync());

  const producerAs = (user: string): Producer => createProducer({ redisUrl: redis.urlOf(user) });
  const operator = async (...args: string[]): Promise<CommandResult> => {
    const result = await runCommand(args, { REDIS_URL: redis.urlOf('kitechat-operator') });
    expect([result.exitCode, ...result.stderr.filter((line) => line.includes('NOPERM'))]).toEqual([0]);
    return result;
  };
  /** What Redis denied, though everything was as it should be. */
  const expectNoDenials = async (): Promise<void> => expect(await redis.denials()).toEqual([]);

  it('stores, schedules, cancels and knows its idempotency keys, as a producer', async () => {
    await using producer = producerAs('kitechat-producer');
    const first = await producer.enqueueMessage(textMessage('c1', 1), { idempotencyKey: 'one' });
    expect(await producer.enqueueMessage(textMessage('c1', 1), { idempotencyKey: 'one' })).toEqual({
      id: first.id,
      duplicate: true,
    });
    await expect(producer.enqueueMessage(textMessage('c1', 2), { idempotencyKey: 'one' })).rejects.toThrow(/was used/);
    const later = await producer.enqueueMessage(textMessage('c2', 1), { delayMs: 3_600_000 });
    await producer.enqueueMessage(textMessage('c3', 1), { priority: 'high' });
    await redis.admin.script('FLUSH');
    await producer.enqueueMessages(manyMessages(20, 2));
    expect([await producer.cancelMessage(later.id), await producer.cancelMessage(first.id)]).toEqual([
      'cancelled',
      'cancelled',
    ]);
    await expectNoDenials();
  });

  it('is asked about messages, as a producer that may look them up', async () => {
    await using producer = producerAs('kitechat-producer-lookup');
    const { id } = await producer.enqueueMessage(textMessage('c9', 1));
    expect(await producer.getMessage(id)).toMatchObject({ id, status: 'queued' });
    const newest = producer.history({ pageId: 'p1', conversationId: 'c9', limit: 1 });
    expect(await newest[Symbol.asyncIterator]().next()).toMatchObject({ value: { id, status: 'queued' } });
    expect(await producer.cancelMessage(id)).toBe('cancelled');
    await expectNoDenials();
  });

  it('delivers, retries, holds, limits and buries, as a worker', async () => {
    await using api = await startFakeKitechat({
      faults: [
        { kind: 'status', status: 400, match: { textIncludes: 'refused' } },
        { kind: 'status', status: 429, retryAfter: 0, times: 5 },
        { kind: 'status', status: 500, rate: 0.2 },
        { kind: 'reset', when: 'before', rate: 0.1 },
      ],
    });
    const worker = createWorker({
      redisUrl: redis.urlOf('kitechat-worker'),
      apiUrl: api.url,
      apiKey: 'key',
      backoffMs: 10,
      backoffMaxMs: 50,
      rateLimit: '500/s burst 50',
      pageRateLimit: '200/s burst 20',
      onDeadLetter: 'hold',
      keepDoneMs: 1000,
      keepDone: 1000,
      logLevel: 'silent',
    });
    const running = worker.run();
    await using producer = producerAs('kitechat-producer');
    const refused = (n: number, pageId: string) => ({
      pageId,
      conversationId: `refused-${n}`,
      message: { type: 'text' as const, text: `refused ${n}` },
    });
    await producer.enqueueMessages([
      ...Array.from({ length: 5 }, (_, n) => refused(n, 'p8')),
      refused(0, 'p8'),
      { ...textMessage('late', 1), ttlMs: 1 },
      { ...textMessage('soon', 1), delayMs: 300 },
    ]);
    // One that BullMQ failed by itself, and one that is no JSON.
    await redis.admin.script('FLUSH');
    await eventually('all have ended', async () => {
      const [status] = jsonLinesOf(await operator('status', '--json'));
      return (
        status?.['queued'] === 0 &&
        status['held'] === 1 &&
        status['retrying'] === 0 &&
        status['sending'] === 0 &&
        status['dead'] === 6
      );
    });
    await worker.close();
    await running;
    await expectNoDenials();
  });

  it('reads events, as an app that is told how messages end', async () => {
    const url = redis.urlOf('kitechat-events');
    const ending = new AbortController();
    const told: string[] = [];
    const reading = (async () => {
      for await (const event of openEvents({ group: 'crm', content: true, redisUrl: url, signal: ending.signal })) {
        told.push(event.type);
        await event.ack();
      }
    })();
    const isThere = async () => (await redis.admin.hexists('{kitechat:0}:readers', 'seen:crm')) === 1;
    await eventually('the group is there', isThere);
    await using producer = producerAs('kitechat-producer');
    const { id } = await producer.enqueueMessage(textMessage('told', 1), { delayMs: 60_000 });
    await producer.cancelMessage(id);
    await eventually('the event came', () => told.includes('cancelled'));
    ending.abort();
    await reading;
    expect(jsonLinesOf(await operator('events', '--json'))).toMatchObject([{ group: 'crm', shard: 0, waiting: 0 }]);
    await operator('events', '--forget', 'crm');
    await expectNoDenials();
  });

  it('sends webhooks, and keeps those that are refused, as notify', async () => {
    await using receiver = await startWebhookReceiver();
    receiver.answerTo = () => 422;
    const config = { redisUrl: redis.urlOf('kitechat-notify'), namespace: 'kitechat', source: 'environment' as const };
    const place = { installation: { config }, receiver, folder, redis: redis.admin };
    await using notify = await startNotify({
      ...place,
      args: ['--attempts', '1', '--content'],
      env: { KITECHAT_HTTP_PORT: '0' },
    });
    await using producer = producerAs('kitechat-producer');
    const { id } = await producer.enqueueMessage(textMessage('told', 2), { delayMs: 60_000 });
    await producer.cancelMessage(id);
    const dead = await eventually('the dead letter is stored', async () => {
      const found = jsonLinesOf(await operator('webhooks', 'list', '--json'));
      return found.length > 0 && found;
    });
    expect(dead).toMatchObject([{ event: { type: 'cancelled', messageId: id }, status: 422 }]);
    const served = await notify.lineWhere('stdout', (line) => line.includes('serving health'));
    const { url } = JSON.parse(served) as { url: string };
    expect(await (await fetch(new URL('/metrics', url))).text()).toContain('kitechat_sender_webhook_dead_letters 1\n');
    receiver.answerTo = () => 204;
    await operator('webhooks', 'replay', '--all', ...notify.toReceiver);
    expect(receiver.accepted()).toHaveLength(1);
    notify.kill('SIGTERM');
    expect(await notify.ended()).toBe(0);
    await operator('events', '--forget', 'notify');
    await expectNoDenials();
  });

  it('looks, holds, limits, replays and discards, as an operator on the command line', async () => {
    const letters = jsonLinesOf(await operator('dead-letters', 'list', '--json'));
    const [first, second] = letters.filter(({ reason }) => reason === 'rejected').map(({ id }) => String(id));
    await operator('dead-letters', 'show', String(first));
    await operator('dead-letters', 'export');
    await operator('dead-letters', 'replay', '--id', String(first), '--set', 'message.text=fine');
    await operator('dead-letters', 'discard', '--id', String(second), '--yes');
    await operator('dead-letters', 'replay', '--reason', 'rejected', '--page', 'p8', '--rate', '100/s');
    await operator('hold', '--all');
    await operator('release', '--all');
    await operator('hold', '--page', 'p1', '--conversation', 'c1');
    await operator('release', '--page', 'p1', '--conversation', 'c1');
    await operator('limits', 'set', '--rate', '100/s', '--page-rate', '50/s');
    await operator('limits', 'show');
    await operator('repair');
    await operator('limits', 'set', '--rate', 'default', '--page-rate', 'default');
    const open = await runCommand(
      ['send'],
      { REDIS_URL: redis.urlOf('kitechat-operator') },
      JSON.stringify(textMessage('by-hand', 1)),
    );
    const [sent] = jsonLinesOf(open);
    await operator('message', String(sent?.['id']));
    await operator('cancel', String(sent?.['id']));
    await expectNoDenials();
  });

  it('serves every view of the console, as an operator', async () => {
    await using console = await startHttpProcess('console', { REDIS_URL: redis.urlOf('kitechat-operator') });
    const visitor = createVisitor(console.url.replace(/\/$/, ''));
    const paths = ['/', '/dead-letters', '/workers', '/pages', '/find?q=c1', '/pages/p1', '/queues/', '/metrics'];
    const boards = ['failed', 'waiting', 'active', 'delayed', 'completed', 'waiting-children', 'latest'].map(
      (state) => `/queues/api/queues?activeQueue=dead&status=${state}&page=1&jobsPerPage=10`,
    );
    for (const path of [...paths, ...boards]) {
      const { status } = await visitor.get(path, { accept: 'text/html' });
      expect([path, status]).toEqual([path, status === 404 ? 404 : 200]);
    }
    await visitor.get('/', { accept: 'text/html' });
    for (const change of ['/hold', '/release']) {
      expect((await visitor.post(change, { scope: 'page', page: 'p1', back: '/' })).status).toBe(303);
    }
    await expectNoDenials();
  });

  it('gives the installation another number of shards, as the user for that alone', async () => {
    const env = { REDIS_URL: redis.urlOf('kitechat-reshard') };
    await operator('dead-letters', 'discard', '--all', '--yes');
    const refused = await runCommand(['reshard', '2', '--json'], env);
    expect(jsonLinesOf(refused)).toMatchObject([{ result: 'refused' }]);
    await redis.admin.flushall();
    await using producer = producerAs('kitechat-producer');
    const { id } = await producer.enqueueMessage(textMessage('c1', 1), { idempotencyKey: 'kept' });
    await producer.cancelMessage(id);
    await operator('hold', '--page', 'p7');
    expect(jsonLinesOf(await runCommand(['reshard', '2', '--json'], env))).toMatchObject([{ result: 'done' }]);
    await expectNoDenials();
  });
});
