import type { Settings } from './settings.ts';
import { type DeadLetters, openDeadLetters } from '../../src/dead-letters/index.ts';
import { createProducer, type EnqueueItem, type MessageRecord, type Producer } from '../../src/producer/index.ts';
import { type FakeKitechat, type FakeKitechatOptions, startFakeKitechat } from '../../src/testing/index.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { type AttemptReport, createWorker, type KitechatWorker, type WorkerHooks } from '../../src/worker/index.ts';
import { eventually } from './eventually.ts';

/** A producer, a worker and a fake API in one namespace. */
export interface Installation {
  config: Settings & { source: 'environment' };
  api: FakeKitechat;
  producer: Producer;
  deadLetters: DeadLetters;
  /** Every attempt that the workers reported, in order. */
  attempts: AttemptReport[];
  /** The codes of the errors of Redis that the workers got over. */
  engineErrors: string[];
  /** Starts a worker; the first one starts with the installation unless `startWorker` is `false`. */
  startWorker(hooks?: WorkerHooks & Settings): KitechatWorker;
  enqueue(item: EnqueueItem): Promise<string>;
  /** Waits until a message has this state. */
  until(id: string, status: MessageRecord['status']): Promise<MessageRecord>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface InstallationOptions {
  config?: Settings;
  api?: FakeKitechatOptions;
  hooks?: WorkerHooks;
  /** Default `true`. */
  startWorker?: boolean;
}

let installations = 0;

export async function install(
  server: Pick<RedisServer, 'url'>,
  options: InstallationOptions = {},
): Promise<Installation> {
  const nth = (installations += 1);
  const stack = new AsyncDisposableStack();
  const api = stack.use(await startFakeKitechat(options.api ?? {}));
  const config: Installation['config'] = {
    source: 'environment',
    redisUrl: server.url,
    namespace: `test-${process.pid}-${nth}`,
    apiUrl: api.url,
    apiKey: 'key',
    backoffMs: 20,
    backoffMaxMs: 100,
    logLevel: 'silent',
    ...options.config,
  };
  const producer = stack.use(createProducer(config));
  const deadLetters = stack.use(openDeadLetters(config));
  const attempts: AttemptReport[] = [];
  const engineErrors: string[] = [];
  const startWorker = (more: WorkerHooks & Settings = {}): KitechatWorker => {
    const worker = createWorker({ ...config, ...options.hooks, ...more });
    worker.on('attempt', (attempt) => attempts.push(attempt));
    worker.on('engineError', (code) => engineErrors.push(code));
    const running = worker.run();
    stack.defer(async () => {
      await worker.close();
      await running;
    });
    return worker;
  };
  if (options.startWorker ?? true) startWorker();

  return {
    config,
    api,
    producer,
    deadLetters,
    attempts,
    engineErrors,
    startWorker,
    async enqueue({ pageId, conversationId, message, ...enqueueOptions }) {
      return (await producer.enqueueMessage({ pageId, conversationId, message }, enqueueOptions)).id;
    },
    until: async (id, status) =>
      await eventually(`message ${id} is ${status}`, async () => {
        const record = await producer.getMessage(id);
        return record?.status === status && record;
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
