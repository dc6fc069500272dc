/** A worker as a team writes it. Arguments: `ky` or `undici`, Redis, the API, requests at once. */
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import ky from 'ky';
import { Agent, request } from 'undici';
import type { SendRequest } from '../../src/shared/message.ts';

const [, , client = '', redisUrl = '', apiUrl = '', concurrency = ''] = process.argv;
const headers = { apikey: 'key' };
const agent = new Agent({ connections: Number(concurrency) });

async function sendWithKy(json: SendRequest): Promise<void> {
  const answer: { success: boolean } = await ky.post(apiUrl, { json, headers, timeout: 10_000, retry: 0 }).json();
  if (!answer.success) throw new Error('refused');
}

async function sendWithUndici(message: SendRequest): Promise<void> {
  const { statusCode, body } = await request(apiUrl, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(message),
    dispatcher: agent,
    headersTimeout: 10_000,
    bodyTimeout: 10_000,
  });
  const answer = (await body.json()) as { success: boolean };
  if (statusCode >= 300 || !answer.success) throw new Error('refused');
}

const send = client === 'ky' ? sendWithKy : sendWithUndici;
const worker = new Worker<SendRequest>('send', async ({ data }) => await send(data), {
  connection: new Redis(redisUrl, { maxRetriesPerRequest: null }),
  concurrency: Number(concurrency),
});
await worker.waitUntilReady();
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
