import { enqueueMessage } from 'kitechat-sender';
import { expect, it, vi } from 'vitest';
import { tellShipped } from './orders.js';

vi.mock(import('kitechat-sender'), async (actual) => ({ ...(await actual()), enqueueMessage: vi.fn() }));

it('tells the customer once that the order is on its way', async () => {
  vi.mocked(enqueueMessage).mockResolvedValue({ id: '0-1', duplicate: false });
  expect(await tellShipped({ id: 17, conversationId: 'c1' })).toEqual({ id: '0-1', duplicate: false });
  expect(enqueueMessage).toHaveBeenCalledWith(expect.anything(), { idempotencyKey: 'order-17-shipped' });
});
