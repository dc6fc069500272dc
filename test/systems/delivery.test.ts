import { describe, expect, it } from 'vitest';
import { createProducer } from '../../src/producer/index.ts';
import { shardOn } from '../../src/shared/lanes/shard.ts';
import { type FakeKitechatOptions, type Fault, startFakeKitechat } from '../../src/testing/index.ts';
import { type CommandProcess, startCommand } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { stopInMidSend } from '../support/open-requests.ts';
import { startTestRedis } from '../support/redis.ts';
import { useProducers } from '../support/use-producers.ts';

describe('delivery by worker processes', () => {
  const used = useProducers({ enqueueTimeoutMs: 30_000 });

  /** A namespace with an API and a producer of its own, and workers with these settings. */
  async function openSite(namespace: string, options: FakeKitechatOptions, settings: Record<string, string> = {}) {
    const stack = new AsyncDisposableStack();
    const api = stack.use(await startFakeKitechat(options));
    const producer = stack.use(used.producerOf(namespace));
    const env = {
      REDIS_URL: used.url,
      KITECHAT_NAMESPACE: namespace,
      KITECHAT_API_URL: api.url,
      KITECHAT_API_KEY: 'key',
      KITECHAT_BACKOFF_MS: '50',
      KITECHAT_BACKOFF_MAX_MS: '500',
      ...settings,
    };
    const startWorker = (): CommandProcess => stack.use(startCommand(['worker'], env));
    return { api, producer, startWorker, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  it('three of them deliver 200 conversations of 20 messages through errors and resets: all, in order, none twice', async () => {
    const faults: Fault[] = [
      { kind: 'status', status: 500, rate: 0.12 },
      { kind: 'reset', when: 'before', rate: 0.08 },
    ];
    // 20% of all attempts fail; with 20 of them not even one message in 10^13 is given up.
    const settings = { KITECHAT_ATTEMPTS: '20' };
    await using site = await openSite('three-workers', { seed: 11, latencyMs: 5, faults }, settings);
    const { api, producer, startWorker } = site;
    const processes = [startWorker(), startWorker(), startWorker()];
    await producer.enqueueMessages(manyMessages(200, 20));
    await api.waitForAccepted(4000, { timeoutMs: 100_000 });
    for (const process of processes) process.kill('SIGTERM');
    expect(await Promise.all(processes.map((process) => process.ended()))).toEqual([0, 0, 0]);

    const report = api.report();
    expect(report.accepted).toBe(4000);
    expect(report.duplicates.count).toBe(0);
    expect(report.outOfOrder.count).toBe(0);
    expect(report.overlaps.count).toBe(0);
    expect(report.requests).toBeGreaterThan(4500);
    for (const process of processes) expect(process.stdout.some((line) => line.includes('"delivered"'))).toBe(true);
  });

  it('one of two is killed in mid-send: all is delivered in order, and only what was open then may appear twice', async () => {
    const namespace = 'killed-worker';
    await using site = await openSite(namespace, { latencyMs: 100 }, { KITECHAT_TIMEOUT_MS: '2000' });
    const { api, producer, startWorker } = site;
    const [survivor, victim] = [startWorker(), startWorker()];
    await producer.enqueueMessages(manyMessages(100, 8));
    await victim.lineWhere('stdout', (line) => line.includes('"delivered"'));
    const openAtTheKill = (await stopInMidSend(shardOn(used.redis, namespace, 0), victim)).length;
    victim.kill('SIGKILL');
    expect(await victim.ended()).toBe('SIGKILL');

    await eventually('all messages arrived', () => new Set(api.accepted.map(identityOf)).size === 800, 60_000);
    survivor.kill('SIGTERM');
    expect(await survivor.ended()).toBe(0);
    const report = api.report();
    expect(report.outOfOrder.count).toBe(0);
    expect(openAtTheKill).toBeGreaterThan(0);
    expect(report.duplicates.count).toBeLessThanOrEqual(openAtTheKill);
    expect(report.accepted - report.duplicates.count).toBe(800);
  });

  it('a SIGTERM under load lets open requests end: nothing is sent twice, the next worker goes on in order', async () => {
    await using site = await openSite('deploy', { latencyMs: 100 });
    const { api, producer, startWorker } = site;
    await producer.enqueueMessages(manyMessages(80, 6));
    for (let deploys = 0; deploys < 2; deploys += 1) {
      const worker = startWorker();
      await worker.lineWhere('stdout', (line) => line.includes('"delivered"'));
      worker.kill('SIGTERM');
      expect(await worker.ended()).toBe(0);
    }
    startWorker();
    await api.waitForAccepted(480, { timeoutMs: 100_000 });
    expect(api.report()).toMatchObject({ duplicates: { count: 0 }, outOfOrder: { count: 0 }, overlaps: { count: 0 } });
  });

  it('a worker waits for a Redis that is away, says so once, and goes on by itself when it comes', async () => {
    await using away = await startTestRedis();
    await away.kill();
    await using api = await startFakeKitechat();
    await using worker = startCommand(['worker'], {
      REDIS_URL: away.url,
      KITECHAT_API_KEY: 'key',
      KITECHAT_API_URL: api.url,
    });
    await worker.lineWhere('stdout', (line) => line.includes('waits for it'));
    await away.restart();
    await worker.lineWhere('stdout', (line) => line.includes('taking messages'));
    await using producer = createProducer({ redisUrl: away.url });
    await producer.enqueueMessage(textMessage('c1', 1));
    await api.waitForAccepted(1);

    await away.kill();
    await eventually('the outage is told', () => linesWith(worker, 'waits for it') === 2);
    await away.restart();
    await producer.enqueueMessage(textMessage('c1', 2));
    await api.waitForAccepted(2);
    expect(linesWith(worker, 'waits for it')).toBe(2);
    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
  });
});

function linesWith(worker: CommandProcess, text: string): number {
  return worker.stdout.filter((line) => line.includes(text)).length;
}

function identityOf({
  pageId,
  conversationId,
  message,
}: {
  pageId: string;
  conversationId: string;
  message: unknown;
}): string {
  return JSON.stringify([pageId, conversationId, message]);
}
