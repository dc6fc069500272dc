import { makeWorkerUtils, run, Logger } from 'graphile-worker';
import type { SendRequest } from '../../src/shared/model/message.ts';
import type { StoringSide, WorkOptions } from '../contestants/adapter.ts';

const TASK = 'send';

const quiet = new Logger(() => (level, message) => {
  if (level === 'error') console.error(message);
});

/** A queue per conversation; tries as often as the others. */
function optionsOf({ pageId, conversationId }: SendRequest) {
  return { queueName: `${pageId}/${conversationId}`, maxAttempts: 8 };
}

export async function openStoringSide(storeUrl: string): Promise<StoringSide> {
  const utils = await makeWorkerUtils({ connectionString: storeUrl, logger: quiet });
  await utils.migrate();
  return {
    async storeOne(request) {
      await utils.addJob(TASK, request, optionsOf(request));
    },
    async storeBatch(requests) {
      await utils.addJobs(requests.map((payload) => ({ identifier: TASK, payload, ...optionsOf(payload) })));
    },
  };
}

export async function work({ storeUrl, concurrency, send }: WorkOptions): Promise<void> {
  await run({
    logger: quiet,
    noHandleSignals: true,
    // As its documentation sets it for throughput: jobs are fetched and completed in batches.
    preset: {
      worker: {
        connectionString: storeUrl,
        concurrentJobs: concurrency,
        maxPoolSize: 20,
        localQueue: { size: concurrency + 1 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
    taskList: { [TASK]: async (payload) => await send(payload as SendRequest) },
  });
}
