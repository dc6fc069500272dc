import { Queue, Worker } from 'groupmq';
import { Redis } from 'ioredis';
import type { SendRequest } from '../../src/shared/model/message.ts';
import type { StoringSide, WorkOptions } from '../contestants/adapter.ts';

/** A group per conversation; retries as often as in the others. */
function openQueue(storeUrl: string): Queue<SendRequest> {
  const redis = new Redis(storeUrl, { maxRetriesPerRequest: null });
  return new Queue({ redis, namespace: 'send', maxAttempts: 8, keepCompleted: 1000 });
}

export async function openStoringSide(storeUrl: string): Promise<StoringSide> {
  const queue = openQueue(storeUrl);
  const storeOne = async (data: SendRequest): Promise<void> => {
    await queue.add({ groupId: `${data.pageId}/${data.conversationId}`, data });
  };
  return {
    storeOne,
    // It has no call for many; the calls go out in the order of the messages.
    async storeBatch(requests) {
      await Promise.all(requests.map(storeOne));
    },
  };
}

export async function work({ storeUrl, concurrency, send }: WorkOptions): Promise<void> {
  const worker = new Worker({ queue: openQueue(storeUrl), concurrency, handler: async ({ data }) => await send(data) });
  worker.on('error', console.error);
}
