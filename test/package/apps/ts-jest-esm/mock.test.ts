import { jest } from '@jest/globals';
import type { Receipt } from 'kitechat-sender';

const enqueueMessage = jest.fn(async (): Promise<Receipt> => ({ id: '0-1', duplicate: false }));
jest.unstable_mockModule('kitechat-sender', () => ({ enqueueMessage }));
const { tellShipped } = await import('./orders.js');

it('tells the customer once that the order is on its way', async () => {
  expect(await tellShipped({ id: 17, conversationId: 'c1' })).toEqual({ id: '0-1', duplicate: false });
  expect(enqueueMessage).toHaveBeenCalledWith(expect.anything(), { idempotencyKey: 'order-17-shipped' });
});
