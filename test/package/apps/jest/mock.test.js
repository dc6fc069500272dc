const { enqueueMessage } = require('kitechat-sender');
const { tellShipped } = require('./orders.js');

jest.mock('kitechat-sender', () => ({
  ...jest.requireActual('kitechat-sender'),
  enqueueMessage: jest.fn(async () => ({ id: '0-1', duplicate: false })),
}));

it('tells the customer once that the order is on its way', async () => {
  await tellShipped({ id: 17, conversationId: 'c1' });
  expect(enqueueMessage).toHaveBeenCalledWith(
    { pageId: 'p1', conversationId: 'c1', message: { type: 'text', text: 'Order 17 is on its way.' } },
    { idempotencyKey: 'order-17-shipped' },
  );
});
