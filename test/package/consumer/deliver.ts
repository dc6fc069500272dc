/** A user's whole program: stores messages, delivers them to a fake API, and looks at what died. Prints what became of them. */
import { createProducer, InvalidMessageError } from 'kitechat-sender';
import { openDeadLetters } from 'kitechat-sender/dead-letters';
import { startFakeKitechat } from 'kitechat-sender/testing';
import { createWorker } from 'kitechat-sender/worker';

const redisUrl = process.env['REDIS_URL'];
const api = await startFakeKitechat({ faults: [{ kind: 'status', status: 400, match: { conversationId: 'c2' } }] });
const producer = createProducer({ redisUrl });
const deadLetters = openDeadLetters({ redisUrl });
const worker = createWorker({ redisUrl, apiUrl: api.url, apiKey: 'key', logLevel: 'silent' });
const dead = new Promise<void>((resolve) => {
  worker.on('attempt', ({ next }) => {
    if (next === 'dead') resolve();
  });
});
const running = worker.run();

await producer.enqueueMessages(
  ['c1', 'c2', 'c3'].map((conversationId) => ({
    pageId: 'p1',
    conversationId,
    message: { type: 'text', text: 'Hello' },
  })),
);
await api.waitForAccepted(2);
await dead;
const refused = await producer
  .enqueueMessage({ pageId: '', conversationId: 'c1', message: { type: 'text', text: 'Hello' } })
  .catch((error: unknown) => error);
process.stdout.write(
  JSON.stringify({
    accepted: api.report().accepted,
    dead: (await deadLetters.list()).map(({ reason }) => reason),
    refused: refused instanceof InvalidMessageError && refused.issues[0]?.path,
  }),
);

await worker.close();
await running;
await producer.close();
await deadLetters.close();
await api.close();
