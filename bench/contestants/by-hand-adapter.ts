import { Queue, Worker, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import type { SendRequest } from '../../src/shared/model/message.ts';
import type { StoringSide, WorkOptions } from './adapter.ts';

const QUEUE = 'send';
const OPTIONS = { attempts: 8, backoff: { type: 'exponential', delay: 1000 }, removeOnComplete: 1000 };

export async function openStoringSide(storeUrl: string): Promise<StoringSide> {
  const queue = new Queue<SendRequest>(QUEUE, { connection: new Redis(storeUrl) });
  await queue.waitUntilReady();
  return {
    async storeOne(request) {
      await queue.add('message', request, OPTIONS);
    },
    async storeBatch(requests) {
      await queue.addBulk(requests.map((data) => ({ name: 'message', data, opts: OPTIONS })));
    },
  };
}

export async function work(
  { storeUrl, concurrency, send }: WorkOptions,
  more: Pick<WorkerOptions, 'limiter'> = {},
): Promise<void> {
  const worker = new Worker<SendRequest>(QUEUE, async ({ data }) => await send(data), {
    connection: new Redis(storeUrl, { maxRetriesPerRequest: null }),
    concurrency,
    ...more,
  });
  await worker.waitUntilReady();
}
