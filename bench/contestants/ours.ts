import { command } from '../stage/command.ts';
import { startConsumer } from '../stage/consumer.ts';
import { writeEncryptionKeys } from '../stage/encryption-keys.ts';
import { openRedisStore } from '../stage/redis-store.ts';
import { startWorker } from '../stage/workers.ts';
import type { Enter } from './contestant.ts';
import { startStoringProcess } from './storing.ts';

const ADAPTER = new URL('ours-adapter.ts', import.meta.url);

type Environment = Readonly<Record<string, string>>;

export interface OurOptions {
  name?: string;
  /** More of the environment of all processes. */
  env?: Environment;
  /** More of the environment of the worker that is started as number `nth`, from 0 on. */
  workerEnv?: (nth: number) => Environment;
  /** A page that an operator holds. */
  heldPage?: string;
  encrypted?: boolean;
  /** Whether a process of its own consumes the events while a worker runs. */
  consumed?: boolean;
}

export function kitechatSender(options: OurOptions = {}): Enter {
  const { name = 'kitechat-sender', env = {}, workerEnv = () => ({}), heldPage, encrypted, consumed } = options;
  return async ({ apiUrl, concurrency }) => {
    await using stack = new AsyncDisposableStack();
    const store = stack.use(await openRedisStore());
    const keys = encrypted ? stack.use(writeEncryptionKeys()) : null;
    const shared = { REDIS_URL: store.url, ...env, ...(keys && { KITECHAT_ENCRYPTION_KEYS_FILE: keys.path }) };
    const startStoring = async () => await startStoringProcess(ADAPTER, store.url, shared);
    let started = 0;
    const owned = stack.move();
    return {
      name,
      keepsOrder: true,
      store,
      startStoring,
      async pileUp(workload) {
        await using storing = await startStoring();
        await storing.run({ do: 'batches', workload });
        if (heldPage !== undefined) await command(shared, 'hold', '--page', heldPage);
      },
      async startWorker() {
        const nth = started;
        started += 1;
        const consumer = consumed ? await startConsumer(store.url) : null;
        const worker = await startWorker({
          ...shared,
          KITECHAT_API_URL: apiUrl,
          KITECHAT_API_KEY: 'key',
          KITECHAT_CONCURRENCY: String(concurrency),
          ...workerEnv(nth),
        });
        return {
          ...worker,
          async end() {
            worker.kill('SIGTERM');
            await worker.ended();
          },
          async [Symbol.asyncDispose]() {
            await worker[Symbol.asyncDispose]();
            await consumer?.[Symbol.asyncDispose]();
          },
        };
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  };
}
