import type { OpenStore } from '../stage/stores.ts';
import type { ClientName } from './clients.ts';
import type { Enter, WorkerProcess } from './contestant.ts';
import { type AskedProcess, startProcess } from '../stage/process.ts';
import { startStoringProcess } from './storing.ts';

export interface AdapterContestant {
  name: string;
  keepsOrder: boolean;
  adapter: URL;
  client: ClientName;
  openStore: OpenStore;
}

/** A contestant that stores and sends by its adapter, each in processes of their own. */
export function withAdapter({ name, keepsOrder, adapter, client, openStore }: AdapterContestant): Enter {
  return async ({ apiUrl, concurrency }) => {
    const store = await openStore();
    return {
      name,
      keepsOrder,
      store,
      startStoring: async () => await startStoringProcess(adapter, store.url),
      async pileUp(workload) {
        await using storing = await startStoringProcess(adapter, store.url);
        await storing.run({ do: 'batches', workload });
      },
      async startWorker() {
        const args = [adapter.href, client, store.url, apiUrl, String(concurrency)];
        return withoutEnd(await startProcess(new URL('worker-process.ts', import.meta.url), args));
      },
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    };
  };
}

/** What is started for one measurement takes no care of what it leaves. */
export function withoutEnd(worker: AskedProcess): WorkerProcess {
  return { ...worker, end: async () => await worker[Symbol.asyncDispose]() };
}
