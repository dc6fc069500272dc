import { describe, expect, it } from 'vitest';
import { createProducer } from '../../src/producer/index.ts';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { runProcess, startCommand } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';
import { runCommand } from '../support/run-command.ts';
import { useRedis } from '../support/use-redis.ts';

type LogLine = Record<string, unknown>;

describe.concurrent('kitechat-sender worker', () => {
  const server = useRedis();
  const on = (namespace: string): Record<string, string> => ({
    REDIS_URL: server.url,
    KITECHAT_NAMESPACE: namespace,
    KITECHAT_API_KEY: 'key',
    KITECHAT_BACKOFF_MS: '20',
    KITECHAT_BACKOFF_MAX_MS: '40',
  });

  it('logs one wide line for each attempt on stdout, and nothing else anywhere', async () => {
    await using api = await startFakeKitechat({ faults: [{ kind: 'status', status: 500, times: 1 }] });
    await using producer = createProducer({ redisUrl: server.url, namespace: 'log' });
    await using worker = startCommand(['worker'], { ...on('log'), KITECHAT_API_URL: api.url });
    const { id } = await producer.enqueueMessage(textMessage('c1', 1), { label: 'campaign' });
    await worker.lineWhere('stdout', (line) => line.includes('"next":"delivered"'));
    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
    expect(worker.stderr).toEqual([]);
    const lines = worker.stdout.map((line) => JSON.parse(line) as LogLine);
    const attempts = lines.filter(({ msg }) => msg === 'attempt');
    for (const attempt of attempts) {
      expect(Object.keys(attempt)).toEqual([
        'level',
        'time',
        'name',
        'id',
        'pageId',
        'conversationId',
        'type',
        'label',
        'outcome',
        'detail',
        'httpStatus',
        'durationMs',
        'attempt',
        'attemptsAllowed',
        'next',
        'delayMs',
        'reason',
        'msg',
      ]);
      expect(attempt).toMatchObject({ id, pageId: 'p1', conversationId: 'c1', type: 'text', label: 'campaign' });
    }
    expect(attempts).toMatchObject([
      { outcome: 'unknown', httpStatus: 500, attempt: 1, attemptsAllowed: 8, next: 'backoff', reason: null },
      { outcome: 'delivered', httpStatus: 200, attempt: 2, next: 'delivered', delayMs: null, reason: null },
    ]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends on %s with 0 after what it was sending, also if it comes twice at once',
    async (signal) => {
      const namespace = `ends-${signal}`;
      await using api = await startFakeKitechat({ latencyMs: 400 });
      await using producer = createProducer({ redisUrl: server.url, namespace });
      await using worker = startCommand(['worker'], { ...on(namespace), KITECHAT_API_URL: api.url });
      const { id } = await producer.enqueueMessage(textMessage('c1', 1));
      await api.waitForAccepted(1, { timeoutMs: 100_000 });
      // As npm does it: the terminal signals the worker, and npm passes its own on.
      worker.kill(signal);
      worker.kill(signal);
      expect(await worker.ended()).toBe(0);
      expect(await producer.getMessage(id)).toMatchObject({ status: 'delivered' });
      expect(api.report()).toMatchObject({ accepted: 1, duplicates: { count: 0 } });
    },
  );

  it('does not wait for what is open when a second signal comes later', async () => {
    const namespace = 'impatient';
    await using api = await startFakeKitechat({ faults: [{ kind: 'hang', accept: true }] });
    await using producer = createProducer({ redisUrl: server.url, namespace });
    await using worker = startCommand(['worker'], { ...on(namespace), KITECHAT_API_URL: api.url });
    await producer.enqueueMessage(textMessage('c1', 1));
    await api.waitForAccepted(1, { timeoutMs: 100_000 });
    let ended: { code: unknown } | undefined;
    void worker.ended().then((code) => (ended = { code }));
    const { code } = await eventually('it ends', () => {
      worker.kill('SIGINT');
      return ended;
    });
    expect(code).toBe(130);
  });

  it('another number of shards than the first is exit 2', async () => {
    await using producer = createProducer({ redisUrl: server.url, namespace: 'shards' });
    await producer.enqueueMessage(textMessage('c1', 1));
    const { exitCode, stderr } = await runProcess(['worker'], { ...on('shards'), KITECHAT_SHARDS: '2' });
    expect(exitCode).toBe(2);
    expect(stderr.join('\n')).toMatch(
      /KITECHAT_SHARDS is 2, but the namespace "shards" was set up with 1: set it to 1/,
    );
  });

  it('neither it nor send ever writes the key, or a word of a message, whatever goes wrong', async () => {
    const key = 'CANARY-key';
    const echo = { success: false, message: `CANARY-text was sent with ${key}` };
    const faults = {
      server: { kind: 'status', status: 500, body: echo },
      limit: { kind: 'status', status: 429, retryAfter: 'CANARY-later', body: echo },
      refused: { kind: 'status', status: 400, body: echo },
      key: { kind: 'status', status: 401, body: echo },
      reset: { kind: 'reset', when: 'after' },
      broken: { kind: 'garbage' },
      redirect: { kind: 'redirect', location: 'http://127.0.0.1:1/CANARY-location' },
      hang: { kind: 'hang' },
    } as const;
    const conversations = Object.keys(faults);
    await using api = await startFakeKitechat({
      faults: Object.entries(faults).map(([conversationId, fault]) =>
        Object.assign({ match: { conversationId }, times: 1 }, fault),
      ),
    });
    const input = conversations.map((conversationId) =>
      JSON.stringify({
        pageId: `page-${conversationId}`,
        conversationId,
        message: { type: 'image', url: 'https://CANARY-url.example/', text: 'CANARY-text' },
      }),
    );
    const env = {
      ...on('canary'),
      KITECHAT_API_KEY: key,
      KITECHAT_API_URL: `${api.url}?token=CANARY-query`,
      KITECHAT_TIMEOUT_MS: '500',
      KITECHAT_RETRY_AFTER_MAX_MS: '100',
      LOG_LEVEL: 'trace',
    };
    const sent = await runCommand(['send'], env, [...input, '{"CANARY-text'].join('\n'));
    await using worker = startCommand(['worker'], env);
    await Promise.all(
      conversations.map((conversationId) =>
        worker.lineWhere('stdout', (line) => line.includes(`"conversationId":"${conversationId}"`)),
      ),
    );
    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
    expect(sent.stdout).toHaveLength(conversations.length);
    expect(api.requests.every(({ headers }) => headers['apikey'] === key)).toBe(true);
    expect([...sent.stdout, ...sent.stderr, ...worker.stdout, ...worker.stderr].join('\n')).not.toContain('CANARY');
  });
});
