import assert from 'node:assert/strict';
import { afterEach, beforeEach, it, mock } from 'node:test';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ConfigError, type Producer, QueueUnavailableError } from 'kitechat-sender';
import { AppModule } from '../src/app.module.js';
import { PRODUCER } from '../src/kitechat.module.js';

const enqueueMessage = mock.fn<Producer['enqueueMessage']>();
const close = mock.fn(async () => {});
let app: INestApplication;

beforeEach(async () => {
  const testing = Test.createTestingModule({ imports: [AppModule] });
  app = (
    await testing.overrideProvider(PRODUCER).useValue({ enqueueMessage, close }).compile()
  ).createNestApplication();
  await app.listen(0, '127.0.0.1');
});

afterEach(async () => {
  await app.close();
});

async function ship(orderId: number): Promise<Response> {
  return await fetch(`${await app.getUrl()}/orders/${orderId}/shipped`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ pageId: 'p1', conversationId: 'c1' }),
  });
}

it('stores a message under a key that names the order, and answers with the receipt', async () => {
  enqueueMessage.mock.mockImplementationOnce(async () => ({ id: '0-1', duplicate: false }));
  const response = await ship(17);
  assert.equal(response.status, 202);
  assert.deepEqual(await response.json(), { id: '0-1', duplicate: false });
  assert.deepEqual(enqueueMessage.mock.calls.at(-1)?.arguments, [
    { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Order 17 is on its way.' } },
    { idempotencyKey: 'order-17-shipped' },
  ]);
});

it('asks the caller to come back while Redis is away', async () => {
  enqueueMessage.mock.mockImplementationOnce(async () => {
    throw new QueueUnavailableError('Redis is away');
  });
  assert.equal((await ship(18)).status, 503);
});

it('asks nobody to come back for an error that stays until somebody corrects the app', async () => {
  for (const error of [new ConfigError(['shards']), new QueueUnavailableError('A fault', { isInternal: true })]) {
    enqueueMessage.mock.mockImplementationOnce(async () => {
      throw error;
    });
    assert.equal((await ship(19)).status, 500);
  }
});

it('closes the producer with the app', async () => {
  const before = close.mock.callCount();
  await app.close();
  assert.equal(close.mock.callCount(), before + 1);
});
