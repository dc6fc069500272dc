import { withLaneCommands } from '../../../src/shared/lanes/commands.ts';
import { type Shard, shardOn } from '../../../src/shared/lanes/shard.ts';
import { createProducer, type Producer } from '../../../src/producer/index.ts';
import { type FakeKitechat, startFakeKitechat } from '../../../src/testing/index.ts';
import { eventually } from '../eventually.ts';
import { type HttpProcess, startHttpProcess } from '../http-process.ts';
import { textMessage } from '../messages.ts';
import { type SecuredRedis, startSecuredRedis } from '../secured-redis.ts';

/** An installation with the users of the ACL file: two workers as processes, an app's producer, and an API. */
export interface Site {
  redis: SecuredRedis;
  api: FakeKitechat;
  workers: readonly HttpProcess[];
  producer: Producer;
  /** On an administrator's connection. */
  shard: Shard;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openSite(): Promise<Site> {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await startSecuredRedis(['--slowlog-log-slower-than', '20000']));
  const api = stack.use(await startFakeKitechat({ latencyMs: 30 }));
  const env = {
    REDIS_URL: redis.urlOf('kitechat-worker'),
    KITECHAT_API_URL: api.url,
    KITECHAT_API_KEY: 'key',
    KITECHAT_CONCURRENCY: '10',
    // A lock ends after twice this time, and messages that were moved under way come back then.
    KITECHAT_TIMEOUT_MS: '3000',
    KITECHAT_BACKOFF_MS: '200',
    KITECHAT_BACKOFF_MAX_MS: '1000',
  };
  const workers = await Promise.all([startHttpProcess('worker', env), startHttpProcess('worker', env)]);
  for (const worker of workers) stack.use(worker);
  const producer = stack.use(createProducer({ redisUrl: redis.urlOf('kitechat-producer') }));
  const shard = shardOn(withLaneCommands(redis.admin), 'kitechat', 0);
  await producer.enqueueMessage(textMessage('first', 1));
  await eventually('the workers deliver', () => api.accepted.length === 1);
  return { redis, api, workers, producer, shard, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
