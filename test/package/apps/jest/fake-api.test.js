const { randomUUID } = require('node:crypto');
const { closeDefaultProducer, InvalidMessageError } = require('kitechat-sender');
const { startFakeKitechat } = require('kitechat-sender/testing');
const { createWorker } = require('kitechat-sender/worker');
const { tellShipped } = require('./orders.js');

// Each run has a namespace of its own: it knows no message and no idempotency key of an earlier run.
const namespace = `test-${randomUUID()}`;
process.env.KITECHAT_NAMESPACE = namespace;

let api;
let worker;
let running;

beforeAll(async () => {
  api = await startFakeKitechat();
  worker = createWorker({
    redisUrl: process.env.REDIS_URL,
    namespace,
    apiUrl: api.url,
    apiKey: 'any',
    logLevel: 'silent',
  });
  // A test runner may load no module between tests: what a worker loads when it starts is there before the first test.
  await new Promise((resolve, reject) => {
    worker.on('ready', resolve);
    running = worker.run();
    running.catch(reject);
  });
});

afterAll(async () => {
  await worker.close();
  await running;
  await api.close();
  await closeDefaultProducer();
});

it('delivers one message for an order, however often it is told', async () => {
  const { id } = await tellShipped({ id: 17, conversationId: 'c1' });
  expect(await tellShipped({ id: 17, conversationId: 'c1' })).toEqual({ id, duplicate: true });
  await api.waitForAccepted(1);
  expect(api.accepted.map(({ message }) => message)).toEqual([{ type: 'text', text: 'Order 17 is on its way.' }]);
});

it('refuses an order without a conversation', async () => {
  await expect(tellShipped({ id: 18, conversationId: '' })).rejects.toBeInstanceOf(InvalidMessageError);
});
