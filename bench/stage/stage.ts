import { createProducer, type Producer } from '../../src/producer/index.ts';
import { randomPort } from '../../src/testing/redis/random-port.ts';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import { eventually } from '../../test/support/eventually.ts';
import { type ApiProcess, startApi } from '../../test/support/api/start.ts';
import { openStatus } from './status.ts';
import { startWorker } from './workers.ts';

export interface StageOptions {
  workers: number;
  /** Of each worker. */
  concurrency: number;
  apiLatencyMs: number;
  /** For `KITECHAT_PAGE_PARALLELISM`. */
  pageParallelism: string;
  /** Whether each worker serves its console and metrics. */
  served?: boolean;
}

/** A whole system: a Redis with AOF, a fake API, worker processes, and a producer in this process. */
export interface Stage extends AsyncDisposable {
  producer: Producer;
  api: ApiProcess;
  redisUrl: string;
  /** The processes of the workers. */
  workerPids: readonly number[];
  /** Where the workers serve theirs, if they do. */
  urls: readonly string[];
  /** Messages that are stored and not yet being sent. */
  waiting(): Promise<number>;
  /** Waits until every message has ended. */
  untilEmpty(): Promise<void>;
}

const DRAIN_MS = 180_000;

export async function openStage(options: StageOptions): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRedisServer({ appendOnly: true }));
  const api = stack.use(await startApi({ latencyMs: options.apiLatencyMs }));
  const producer = stack.use(createProducer({ redisUrl: server.url }));
  const env = {
    REDIS_URL: server.url,
    KITECHAT_API_URL: api.directUrl,
    KITECHAT_API_KEY: 'key',
    KITECHAT_CONCURRENCY: String(options.concurrency),
    KITECHAT_PAGE_PARALLELISM: options.pageParallelism,
  };
  const status = stack.use(openStatus(env));
  const urls: string[] = [];
  const workerPids: number[] = [];
  for (let started = 0; started < options.workers; started += 1) {
    const port = String(randomPort());
    const worker = stack.use(await startWorker(options.served ? { ...env, KITECHAT_HTTP_PORT: port } : env));
    workerPids.push(worker.pid);
    if (options.served) urls.push(`http://127.0.0.1:${port}/`);
  }

  const count = async (): Promise<{ waiting: number; sending: number }> => {
    const { scheduled, queued, retrying, held, sending } = await status.read();
    return { waiting: scheduled + queued + retrying + held, sending };
  };
  const isEmpty = async (): Promise<boolean> => {
    const { waiting, sending } = await count();
    return waiting + sending === 0;
  };

  const owned = stack.move();
  return {
    producer,
    api,
    redisUrl: server.url,
    workerPids,
    urls,
    waiting: async () => (await count()).waiting,
    async untilEmpty() {
      await eventually('every message has ended', isEmpty, DRAIN_MS);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
