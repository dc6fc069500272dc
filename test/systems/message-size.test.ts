import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { createProducer } from '../../src/producer/index.ts';
import { encryptionKeys, newKeysFile } from '../support/encryption-keys.ts';
import { textMessage } from '../support/messages.ts';
import { startTestRedis } from '../support/redis.ts';
import { completed } from '../support/settings.ts';

const MESSAGES = 10_000;
const BATCH = 2000;
const TEXT = 'x'.repeat(120);

/** The part of the memory in which messages may wait that is left to idempotency keys of ended messages and to dead letters. */
const FOR_THE_REST = 0.2;

const compose = readFileSync(new URL('../../examples/production/docker-compose.yml', import.meta.url), 'utf8');

/** What a waiting message takes in Redis: encrypted, with an idempotency key, the only one of its conversation. */
async function bytesPerMessage(): Promise<number> {
  await using server = await startTestRedis();
  const encryptionKeysFile = newKeysFile(encryptionKeys('first')).path;
  await using producer = createProducer({ redisUrl: server.url, encryptionKeysFile });
  await producer.enqueueMessage(textMessage('c0', 1));
  const redis = new Redis(server.url);
  const used = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  const before = await used();
  for (let from = 0; from < MESSAGES; from += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, n) => ({
      pageId: 'page-1234567',
      conversationId: `8497${String(from + n).padStart(8, '0')}`,
      message: { type: 'text' as const, text: TEXT },
      idempotencyKey: `order-${from + n}-shipped`,
    }));
    await producer.enqueueMessages(batch);
  }
  const bytes = ((await used()) - before) / MESSAGES;
  redis.disconnect();
  return bytes;
}

function bytesIn(pattern: RegExp): number {
  const [, count, unit] = pattern.exec(compose) ?? [];
  return Number(count) * (unit === 'g' ? 1024 ** 3 : 1024 ** 2);
}

it('as many messages as the production example lets wait fit into its Redis, and the docs name their size', async () => {
  const bytes = await bytesPerMessage();
  if (process.env['SHOW_COST']) process.stdout.write(`${bytes.toFixed(0)} bytes per message\n`);
  const maxmemory = bytesIn(/--maxmemory\n\s+- (\d+)([mg])b/);
  const maxQueued = Number(/KITECHAT_MAX_QUEUED: '(\d+)'/.exec(compose)?.[1]);
  expect(maxQueued * bytes).toBeLessThanOrEqual(maxmemory * completed().redisFullAt * (1 - FOR_THE_REST));
  expect(maxmemory).toBeLessThanOrEqual(
    bytesIn(/mem_limit: (\d+)([mg])\n\s+cpus: 1.0\n\s+pids_limit: 64\n\s+# Time to write/) / 2,
  );
  // docs/operations.md, "How much memory Redis needs".
  expect(bytes).toBeGreaterThan(1650);
  expect(bytes).toBeLessThan(1850);
});
