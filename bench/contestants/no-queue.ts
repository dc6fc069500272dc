import { startProcess } from '../stage/process.ts';
import type { Enter } from './contestant.ts';
import type { Workload } from '../workload.ts';
import { withoutEnd } from './with-adapter.ts';

/** The same calls without any queue: what there is to gain at most. */
export const noQueue: Enter = async ({ apiUrl, concurrency }) => {
  let workload: Workload = { conversations: 1, messages: 0 };
  return {
    name: 'no queue',
    keepsOrder: false,
    store: {
      url: '',
      processorTimeUs: () => 0,
      storedBytes: async () => await Promise.resolve(0),
      empty: async () => await Promise.resolve(),
      [Symbol.asyncDispose]: async () => await Promise.resolve(),
    },
    startStoring: async () => await Promise.reject(new Error('nothing is stored')),
    async pileUp(piled) {
      workload = piled;
    },
    async startWorker() {
      const program = new URL('no-queue-process.ts', import.meta.url);
      return withoutEnd(await startProcess(program, [apiUrl, String(concurrency), JSON.stringify(workload)]));
    },
    async [Symbol.asyncDispose]() {},
  };
};
