import { describe, expect, it, vi } from 'vitest';
import { startFakeKitechat } from '../../src/testing/index.ts';
import { eventually } from '../support/eventually.ts';
import { type HttpProcess, startHttpProcess } from '../support/http-process.ts';
import { manyMessages, textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { useProducers } from '../support/use-producers.ts';

const ALIVE = { status: 200, body: '{"status":"alive"}' };
const READY = { status: 200, body: '{"status":"ready"}' };
/** What stands still is told after twenty seconds. */
const PATIENCE_MS = 40_000;

vi.setConfig({ maxConcurrency: 10 });

const standsStill = new URL('../support/standing-still-process.ts', import.meta.url).pathname;

async function untilReady(worker: HttpProcess): Promise<void> {
  await eventually('the worker is ready', async () => (await worker.ask('/readyz')).status === 200);
}

describe.concurrent('/healthz and /readyz of a worker', () => {
  const used = useProducers();
  const on = (namespace: string, url = used.url): Record<string, string> => ({
    REDIS_URL: url,
    KITECHAT_NAMESPACE: namespace,
    KITECHAT_API_KEY: 'key',
    LOG_LEVEL: 'info',
  });

  it('are 200 while it works, also when all its places are taken', async () => {
    await using api = await startFakeKitechat({ latencyMs: 300 });
    await using producer = used.producerOf('works');
    await using worker = await startHttpProcess('worker', {
      ...on('works'),
      KITECHAT_API_URL: api.url,
      KITECHAT_CONCURRENCY: '2',
    });
    await untilReady(worker);
    await producer.enqueueMessages(manyMessages(12, 1));
    await api.waitForAccepted(4);
    expect(await worker.ask('/healthz')).toEqual(ALIVE);
    expect(await worker.ask('/readyz')).toEqual(READY);
  });

  it.each([
    { part: 'bullmq', reason: /^messages wait and places are free, but none was taken for 2\d s$/ },
    { part: 'task', reason: /^the worker's periodic task has not run for 2\d s$/ },
  ])('tell when its $part stands still', async ({ part, reason }) => {
    const namespace = `still-${part}`;
    await using api = await startFakeKitechat();
    await using producer = used.producerOf(namespace);
    await using worker = await startHttpProcess('worker', {
      ...on(namespace),
      KITECHAT_API_URL: api.url,
      NODE_OPTIONS: `--import=${standsStill}`,
      STANDS_STILL: part,
    });
    await untilReady(worker);
    expect(await worker.ask('/healthz')).toEqual(ALIVE);
    worker.kill('SIGUSR2');
    let last = (await producer.enqueueMessage(textMessage('c1', 1))).id;
    await eventually(
      'it is told',
      async () => {
        // What was on its way when it stopped still gets through.
        const isThrough = (await producer.getMessage(last))?.status === 'delivered';
        if (isThrough) last = (await producer.enqueueMessage(textMessage('c1', 2))).id;
        return (await worker.ask('/healthz')).status === 503;
      },
      PATIENCE_MS,
    );
    const [alive, ready] = [await worker.ask('/healthz'), await worker.ask('/readyz')];
    expect(JSON.parse(alive.body)).toEqual({ status: 'not alive', reason: expect.stringMatching(reason) as string });
    expect(ready.status).toBe(503);
  });

  it('are not answered when a hook never returns and the event loop stands still', async () => {
    await using api = await startFakeKitechat();
    await using producer = used.producerOf('still-loop');
    await using worker = await startHttpProcess('worker', {
      ...on('still-loop'),
      KITECHAT_API_URL: api.url,
      NODE_OPTIONS: `--import=${standsStill}`,
      STANDS_STILL: 'event-loop',
    });
    await untilReady(worker);
    worker.kill('SIGUSR2');
    await producer.enqueueMessage(textMessage('c1', 1));
    await eventually('no answer comes', () => worker.ask('/healthz').then(isFalse, isTimeout));
    await expect(worker.ask('/readyz')).rejects.toThrow(/timeout/);
  });

  it('tell alive and not ready while Redis is away, however long, and ready when it is back', async () => {
    await using own = await startTestRedis({ appendOnly: true });
    await using worker = await startHttpProcess('worker', on('away', own.url));
    await untilReady(worker);
    await own.kill();
    await eventually('it is not ready', async () => (await worker.ask('/readyz')).status === 503);
    expect(await worker.ask('/readyz')).toEqual({
      status: 503,
      body: '{"status":"not ready","reason":"Redis is away (ECONNREFUSED)"}',
    });
    // Longer than anything may stand still while Redis is there.
    const seen = new Set<number>();
    const since = performance.now();
    await eventually(
      'a long time has passed',
      async () => {
        seen.add((await worker.ask('/healthz')).status);
        return performance.now() - since > 23_000;
      },
      PATIENCE_MS,
    );
    await own.restart();
    await eventually('it is ready again', async () => {
      seen.add((await worker.ask('/healthz')).status);
      return (await worker.ask('/readyz')).status === 200;
    });
    expect([...seen]).toEqual([200]);
  });

  it('are answered within a second when Redis hangs, and before it was ever there', async () => {
    await using own = await startTestRedis();
    await using late = await startTestRedis();
    await late.kill();
    await using hanging = await startHttpProcess('worker', on('hangs', own.url));
    await using waiting = await startHttpProcess('worker', on('late', late.url));
    await untilReady(hanging);
    await own.pause();
    for (const worker of [hanging, waiting]) {
      expect(await worker.ask('/healthz')).toEqual(ALIVE);
      expect((await worker.ask('/readyz')).status).toBe(503);
      await eventually('it answers within a second', async () => {
        const askedAt = performance.now();
        await worker.ask('/healthz');
        return performance.now() - askedAt < 1000;
      });
    }
    await own.resume();
    await late.restart();
    await untilReady(hanging);
    await untilReady(waiting);
  });

  it('show the draining: alive, not ready, until the last request has ended', async () => {
    await using api = await startFakeKitechat({ latencyMs: 1500 });
    await using producer = used.producerOf('drains');
    await using worker = await startHttpProcess('worker', { ...on('drains'), KITECHAT_API_URL: api.url });
    await untilReady(worker);
    const { id } = await producer.enqueueMessage(textMessage('c1', 1));
    await api.waitForAccepted(1);
    worker.kill('SIGTERM');
    const reason = await eventually('it drains', async () => {
      const { status, body } = await worker.ask('/readyz');
      return status === 503 && (JSON.parse(body) as { reason: string }).reason;
    });
    expect(reason).toBe('the worker is shutting down');
    expect(await worker.ask('/healthz')).toEqual(ALIVE);
    expect(await worker.ended()).toBe(0);
    expect(await producer.getMessage(id)).toMatchObject({ status: 'delivered' });
  });
});

function isFalse(): boolean {
  return false;
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}
