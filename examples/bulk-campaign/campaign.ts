/**
 * Stores a campaign from an NDJSON file of recipients, 500 messages per call, and shows the progress. It can be stopped and
 * run again: nobody gets the message twice.
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
/** Gives up after about five minutes without a stored message, so that somebody looks at it. */
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
    // To find the messages later: dead-letters list --label spring-sale
    label: campaign,
    idempotencyKey: `${campaign}-${conversationId}`,
    // Tomorrow the message is useless.
    ttlMs: 6 * HOUR_MS,
  };
}

/** Stores a whole batch. Messages that Redis could not store are tried again, which the idempotency keys make safe. */
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
      console.error(`${left.length} messages are not stored yet (${reason}), trying again`);
      await delay(PAUSE_MS);
    }
  }
  throw new Error(`${left.length} messages could not be stored; run it again when Redis works`);
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
  // Nothing of this batch was stored; all batches before it were.
  for (const { path, message } of error.issues) console.error(`after recipient ${stored}, ${path}: ${message}`);
  process.exitCode = 1;
}
