/**
 * Stores a campaign from an NDJSON file of recipients, 500 messages a call, and shows how far it is. It can be stopped and
 * run again: who has their message already doesn't get it twice.
 *
 *   node examples/bulk-campaign/campaign.ts examples/bulk-campaign/recipients.ndjson spring-sale
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { BulkEnqueueError, createProducer, type EnqueueItem, InvalidMessageError } from 'kitechat-sender';

interface Recipient {
  pageId: string;
  conversationId: string;
  name: string;
}

const BATCH = 500;
const PAUSE_MS = 1000;
/** About five minutes without a message stored, and somebody should look. */
const ROUNDS = 300;
const HOUR_MS = 3_600_000;

const [file = '', campaign = ''] = process.argv.slice(2);
await using producer = createProducer({ redisUrl: process.env['REDIS_URL'] });

/** The message for one recipient. */
function messageFor({ pageId, conversationId, name }: Recipient): EnqueueItem {
  return {
    pageId,
    conversationId,
    message: {
      type: 'template',
      template: {
        body: `Hello ${name}, everything is half price this week.`,
        buttons: [{ type: 'web_url', text: 'Have a look', url: 'https://shop.example/sale' }],
      },
    },
    // Finds them later: dead-letters list --label spring-sale
    label: campaign,
    idempotencyKey: `${campaign}-${conversationId}`,
    // Nobody wants it tomorrow.
    ttlMs: 6 * HOUR_MS,
  };
}

/** Stores all of a batch. What Redis could not take is tried again: the idempotency keys make that safe. */
async function store(batch: readonly EnqueueItem[]): Promise<number> {
  let left = batch;
  let repeated = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    try {
      const receipts = await producer.enqueueMessages(left);
      return repeated + receipts.filter(({ duplicate }) => duplicate).length;
    } catch (error) {
      if (!(error instanceof BulkEnqueueError)) throw error;
      const { results } = error;
      repeated += results.filter((result) => 'duplicate' in result && result.duplicate).length;
      left = left.filter((_, index) => 'error' in (results[index] ?? {}));
      const [reason] = results.flatMap((result) => ('error' in result ? [result.error.code] : []));
      console.error(`${left.length} have to wait (${reason}), trying again`);
      await delay(PAUSE_MS);
    }
  }
  throw new Error(`${left.length} messages could not be stored; run it again when Redis is well`);
}

async function* batches(path: string): AsyncGenerator<EnqueueItem[]> {
  let batch: EnqueueItem[] = [];
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (line.trim() === '') continue;
    batch.push(messageFor(JSON.parse(line) as Recipient));
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

let stored = 0;
let before = 0;
try {
  for await (const batch of batches(file)) {
    before += await store(batch);
    stored += batch.length;
    console.error(`${stored} stored`);
  }
  console.log(JSON.stringify({ campaign, stored, alreadyThere: before }));
} catch (error) {
  if (!(error instanceof InvalidMessageError)) throw error;
  // Of this batch nothing was stored; of those before, everything.
  for (const { path, message } of error.issues) console.error(`recipient ${stored} and on, ${path}: ${message}`);
  process.exitCode = 1;
}
