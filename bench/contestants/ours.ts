import { hold } from '../../src/shared/lanes/hold.ts';
import { openShard } from '../../src/shared/queues.ts';
import { connectPatiently } from '../../src/shared/redis.ts';
import { openRedisStore } from '../stage/redis-store.ts';
import { startWorker } from '../stage/workers.ts';
import type { Enter } from './contestant.ts';
import { startStoringProcess } from './storing.ts';

const ADAPTER = new URL('ours-adapter.ts', import.meta.url);

export interface OurOptions {
  name?: string;
  /** More of the environment. */
  env?: Readonly<Record<string, string>>;
  /** A page that an operator holds. */
  heldPage?: string;
}

export function kitechatSender({ name = 'kitechat-sender', env = {}, heldPage }: OurOptions = {}): Enter {
  return async ({ apiUrl, concurrency }) => {
    await using stack = new AsyncDisposableStack();
    const store = stack.use(await openRedisStore());
    const redis = connectPatiently(store.url);
    stack.defer(() => redis.disconnect());
    const shard = await openShard(redis, 'kitechat', 0);
    const workerEnv = {
      REDIS_URL: store.url,
      KITECHAT_API_URL: apiUrl,
      KITECHAT_API_KEY: 'key',
      KITECHAT_CONCURRENCY: String(concurrency),
      LOG_LEVEL: 'error',
      ...env,
    };
    const owned = stack.move();
    return {
      name,
      keepsOrder: true,
      store,
      startStoring: async () => await startStoringProcess(ADAPTER, store.url),
      async pileUp(workload) {
        await using storing = await startStoringProcess(ADAPTER, store.url);
        await storing.run({ do: 'batches', workload });
        if (heldPage !== undefined) await hold(shard, { page: heldPage, reason: 'operator' });
      },
      async startWorker() {
        const worker = await startWorker(shard, workerEnv);
        return {
          ...worker,
          async end() {
            worker.kill('SIGTERM');
            await worker.ended();
          },
        };
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  };
}
