import { createProducer } from '../../src/producer/index.ts';
import { openShard } from '../../src/shared/queues.ts';
import { connectPatiently } from '../../src/shared/redis.ts';
import { startRedisServer } from '../../src/testing/redis-server.ts';
import { startWorker } from '../stage/workers.ts';
import type { Contestant, ContestantOptions } from './contestant.ts';
import { usedMemory } from './used-memory.ts';

const STORED_AT_ONCE = 500;

export async function kitechatSender({ apiUrl, concurrency }: ContestantOptions): Promise<Contestant> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRedisServer({ appendOnly: true }));
  const redis = connectPatiently(server.url);
  stack.defer(() => redis.disconnect());
  const shard = await openShard(redis, 'kitechat', 0);
  const producer = stack.use(createProducer({ redisUrl: server.url, enqueueTimeoutMs: 60_000 }));
  const env = {
    REDIS_URL: server.url,
    KITECHAT_API_URL: apiUrl,
    KITECHAT_API_KEY: 'key',
    KITECHAT_CONCURRENCY: String(concurrency),
    LOG_LEVEL: 'error',
  };
  const owned = stack.move();
  return {
    name: 'kitechat-sender',
    storePid: server.pid ?? 0,
    storedBytes: async () => await usedMemory(redis),
    async fill(requests) {
      for (let from = 0; from < requests.length; from += STORED_AT_ONCE) {
        await producer.enqueueMessages(requests.slice(from, from + STORED_AT_ONCE));
      }
    },
    startWorker: async () => await startWorker(shard, env),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
