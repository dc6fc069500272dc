import { PgBoss } from 'pg-boss';
import type { SendRequest } from '../../src/shared/model/message.ts';
import type { StoringSide, WorkOptions } from '../contestants/adapter.ts';

const QUEUE = 'send';

async function openBoss(storeUrl: string): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString: storeUrl, schedule: false });
  boss.on('error', console.error);
  await boss.start();
  return boss;
}

/** A key per conversation; retries as often as in the others. */
function jobOf(data: SendRequest) {
  const singletonKey = `${data.pageId}/${data.conversationId}`;
  return { data, singletonKey, retryLimit: 7, retryDelay: 1, retryBackoff: true };
}

export async function openStoringSide(storeUrl: string): Promise<StoringSide> {
  const boss = await openBoss(storeUrl);
  await boss.createQueue(QUEUE, { policy: 'key_strict_fifo' });
  return {
    async storeOne(request) {
      const { data, ...options } = jobOf(request);
      await boss.send(QUEUE, data, options);
    },
    async storeBatch(requests) {
      await boss.insert(QUEUE, requests.map(jobOf));
    },
  };
}

export async function work({ storeUrl, concurrency, send }: WorkOptions): Promise<void> {
  const boss = await openBoss(storeUrl);
  await boss.work(
    QUEUE,
    // One loop with large batches: 2, 4, 8 and 16 loops that share the requests were slower and cost the store more. A
    // worker that polls waits for half a second at least, unless batches that come full make it go on at once.
    { batchSize: concurrency, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 },
    async (jobs) => {
      await Promise.all(jobs.map(async ({ data }) => await send(data as SendRequest)));
    },
  );
}
