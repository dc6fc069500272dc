import { Redis } from 'ioredis';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import { processorTimeUs } from './processor-time.ts';
import type { Store } from './stores.ts';
import { usedMemory } from './used-memory.ts';

/** To write the AOF anew takes a processor for seconds, and would disturb now this side, now the other. */
const NEVER_REWRITE_AOF = ['--auto-aof-rewrite-percentage', '0'];

/** A Redis with AOF, written to disk every second. */
export async function openRedisStore(): Promise<Store> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRedisServer({ appendOnly: true, args: NEVER_REWRITE_AOF }));
  const redis = new Redis(server.url);
  stack.defer(() => redis.disconnect());
  const owned = stack.move();
  return {
    url: server.url,
    processorTimeUs: () => processorTimeUs(server.pid ?? 0),
    storedBytes: async () => await usedMemory(redis),
    async empty() {
      await redis.flushall();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
