import { enqueueMessage } from 'kitechat-sender';
import { tellShipped } from './orders';

jest.mock('kitechat-sender', () => ({ enqueueMessage: jest.fn() }));

it('tells the customer once that the order is on its way', async () => {
  jest.mocked(enqueueMessage).mockResolvedValue({ id: '0-1', duplicate: false });
  expect(await tellShipped({ id: 17, conversationId: 'c1' })).toEqual({ id: '0-1', duplicate: false });
  expect(enqueueMessage).toHaveBeenCalledWith(expect.anything(), { idempotencyKey: 'order-17-shipped' });
});
