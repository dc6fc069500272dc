import type { Settings } from './settings.ts';
/** An app with a producer for each namespace that stores the messages of each line of stdin, and writes their ids. */
import { createInterface } from 'node:readline';
import { createProducer, type EnqueueItem, type Producer } from '../../src/producer/index.ts';

const producers = new Map<string | undefined, Producer>();

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { config, items } = JSON.parse(line) as { config: Settings; items: EnqueueItem[] };
  const producer = producers.get(config.namespace) ?? createProducer(config);
  producers.set(config.namespace, producer);
  const receipts = await producer.enqueueMessages(items);
  process.stdout.write(`${JSON.stringify(receipts.map(({ id }) => id))}\n`);
}
