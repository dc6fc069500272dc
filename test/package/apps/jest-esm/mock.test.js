import { jest } from '@jest/globals';

jest.unstable_mockModule('kitechat-sender', () => ({ enqueueMessage: jest.fn() }));
const { enqueueMessage } = await import('kitechat-sender');
const { tellShipped } = await import('./orders.js');

it('tells the customer once that the order is on its way', async () => {
  await tellShipped({ id: 17, conversationId: 'c1' });
  expect(enqueueMessage).toHaveBeenCalledWith(
    { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Order 17 is on its way.' } },
    { idempotencyKey: 'order-17-shipped' },
  );
});
