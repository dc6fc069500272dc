import { hold } from '../../src/shared/lanes/hold.ts';
import { openShard } from '../../src/shared/queues.ts';
import { connectPatiently } from '../../src/shared/redis.ts';
import { writeEncryptionKeys } from '../stage/encryption-keys.ts';
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
  encrypted?: boolean;
}

export function kitechatSender({ name = 'kitechat-sender', env = {}, heldPage, encrypted }: OurOptions = {}): Enter {
  return async ({ apiUrl, concurrency }) => {
    await using stack = new AsyncDisposableStack();
    const store = stack.use(await openRedisStore());
    const redis = connectPatiently(store.url);
    stack.defer(() => redis.disconnect());
    const shard = await openShard(redis, 'kitechat', 0);
    const keys = encrypted ? stack.use(writeEncryptionKeys()) : null;
    const encryption = keys ? { KITECHAT_ENCRYPTION_KEYS_FILE: keys.path } : {};
    const startStoring = async () => await startStoringProcess(ADAPTER, store.url, encryption);
    const workerEnv = {
      REDIS_URL: store.url,
      KITECHAT_API_URL: apiUrl,
      KITECHAT_API_KEY: 'key',
      KITECHAT_CONCURRENCY: String(concurrency),
      LOG_LEVEL: 'error',
      ...encryption,
      ...env,
    };
    const owned = stack.move();
    return {
      name,
      keepsOrder: true,
      store,
      startStoring,
      async pileUp(workload) {
        await using storing = await startStoring();
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
