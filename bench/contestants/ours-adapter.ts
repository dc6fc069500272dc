import { createProducer } from '../../src/producer/index.ts';
import type { StoringSide } from './adapter.ts';

export async function openStoringSide(storeUrl: string): Promise<StoringSide> {
  const producer = createProducer({ redisUrl: storeUrl, enqueueTimeoutMs: 60_000 });
  return {
    async storeOne(request) {
      await producer.enqueueMessage(request);
    },
    async storeBatch(requests) {
      await producer.enqueueMessages([...requests]);
    },
  };
}
