import { createProducer } from '../../src/producer/index.ts';
import type { StoringSide } from './adapter.ts';

export async function openStoringSide(storeUrl: string): Promise<StoringSide> {
  const producer = createProducer({
    redisUrl: storeUrl,
    enqueueTimeoutMs: 60_000,
    shards: Number(process.env['KITECHAT_SHARDS'] ?? 1),
    encryptionKeysFile: process.env['KITECHAT_ENCRYPTION_KEYS_FILE'],
  });
  return {
    async storeOne(request) {
      await producer.enqueueMessage(request);
    },
    async storeBatch(requests) {
      await producer.enqueueMessages([...requests]);
    },
  };
}
