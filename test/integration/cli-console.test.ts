import { describe, expect, it } from 'vitest';
import { createProducer } from '../../src/producer/index.ts';
import { eventually } from '../support/eventually.ts';
import { scrapedMetrics, valueOf } from '../support/exposition.ts';
import { startHttpProcess } from '../support/http-process.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { runCommand } from '../support/run-command.ts';
import { useRedis } from '../support/use-redis.ts';

describe.concurrent('kitechat-sender console', () => {
  const server = useRedis();
  const on = (namespace: string, url = server.url): Record<string, string> => ({
    REDIS_URL: url,
    KITECHAT_NAMESPACE: namespace,
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('says where it is, needs no key, and ends on %s with 0', async (signal) => {
    await using console = await startHttpProcess('console', on(`ends-${signal}`));
    expect(console.stderr).toEqual([`The console is at ${console.url}; Ctrl-C stops it.`]);
    await eventually('its page is there', async () => (await console.ask('/')).status === 200);
    expect(await console.ask('/healthz')).toEqual({ status: 200, body: '{"status":"alive"}' });
    console.kill(signal);
    expect(await console.ended()).toBe(0);
    expect(console.stdout).toEqual([]);
  });

  it('tells what Redis holds, and nothing of a worker that it has not', async () => {
    await using producer = createProducer({ redisUrl: server.url, namespace: 'metrics' });
    await producer.enqueueMessage(textMessage('c1', 1));
    await using console = await startHttpProcess('console', on('metrics'));
    const body = await eventually('Redis was asked', async () => {
      const answer = await console.ask('/metrics');
      return valueOf(answer.body, 'kitechat_sender_redis_up') === 1 && answer.body;
    });
    expect(valueOf(body, 'kitechat_sender_messages{state="queued"}')).toBe(1);
    expect(valueOf(body, 'kitechat_sender_workers')).toBe(0);
    const names = [...scrapedMetrics(body).keys()].filter((name) => name.startsWith('kitechat_sender_'));
    expect(names.toSorted()).toEqual([
      'kitechat_sender_build_info',
      'kitechat_sender_dead_letters',
      'kitechat_sender_foreign_settings',
      'kitechat_sender_holds',
      'kitechat_sender_messages',
      'kitechat_sender_oldest_queued_age_seconds',
      'kitechat_sender_redis_up',
      'kitechat_sender_repairs_total',
      'kitechat_sender_workers',
    ]);
  });

  it('starts without Redis, says on its page that it is away, and shows what there is when it comes', async () => {
    await using late = await startTestRedis();
    await late.kill();
    await using console = await startHttpProcess('console', on('late', late.url));
    expect((await console.ask('/')).status).toBe(503);
    expect((await console.ask('/healthz')).status).toBe(200);
    expect(await console.ask('/readyz')).toEqual({
      status: 503,
      body: '{"status":"not ready","reason":"Redis is away"}',
    });
    await late.restart();
    await eventually('it is ready', async () => (await console.ask('/readyz')).status === 200);
    await eventually('its page is there', async () => (await console.ask('/')).status === 200);
  });

  it('another number of shards than the first is exit 2', async () => {
    await using producer = createProducer({ redisUrl: server.url, namespace: 'shards' });
    await producer.enqueueMessage(textMessage('c1', 1));
    const env = { ...on('shards'), KITECHAT_SHARDS: '2', KITECHAT_HTTP_PORT: '0' };
    const { exitCode, stderr } = await runCommand(['console'], env);
    expect(exitCode).toBe(2);
    expect(stderr.join('\n')).toMatch(/KITECHAT_SHARDS is 2, but the namespace "shards" was set up with 1/);
  });
});
