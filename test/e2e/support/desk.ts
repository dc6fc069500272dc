import { createProducer, type Producer } from '../../../src/producer/index.ts';
import { type FakeKitechat, startFakeKitechat } from '../../../src/testing/index.ts';
import type { RedisServer } from '../../../src/testing/redis/redis-handle.ts';
import { eventually } from '../../support/eventually.ts';
import { type HttpProcess, startHttpProcess } from '../../support/http-process.ts';
import { startTestRedis } from '../../support/redis.ts';

/** A Redis, a fake API, and the processes of an installation, each as an operator would start it. */
export interface Desk extends AsyncDisposable {
  redis: RedisServer;
  api: FakeKitechat;
  /** Starts a worker with a console, and waits until it is ready. */
  startWorker(env?: Record<string, string>): Promise<HttpProcess>;
  /** Starts a console without a worker. */
  startConsole(env?: Record<string, string>): Promise<HttpProcess>;
  /** A producer of a namespace; the default one if none is named. */
  producer(namespace?: string): Producer;
}

export async function startDesk(): Promise<Desk> {
  const stack = new AsyncDisposableStack();
  const redis = await startTestRedis();
  stack.defer(async () => await redis.stop());
  const api = stack.use(await startFakeKitechat());
  const shared = { REDIS_URL: redis.url, KITECHAT_API_URL: api.url, KITECHAT_API_KEY: 'key', LOG_LEVEL: 'info' };

  return {
    redis,
    api,
    async startWorker(env = {}) {
      const worker = stack.use(await startHttpProcess('worker', { ...shared, ...env }));
      await eventually('the worker is ready', async () => (await worker.ask('/readyz')).status === 200);
      return worker;
    },
    startConsole: async (env = {}) => stack.use(await startHttpProcess('console', { ...shared, ...env })),
    producer: (namespace) =>
      stack.use(createProducer({ redisUrl: redis.url, ...(namespace === undefined ? {} : { namespace }) })),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
