import { enqueueMessage, type Receipt } from 'kitechat-sender';

export interface Order {
  id: number;
  conversationId: string;
}

export const tellShipped = async ({ id, conversationId }: Order): Promise<Receipt> =>
  await enqueueMessage(
    { pageId: 'p1', conversationId, message: { type: 'text', text: `Order ${id} is on its way.` } },
    { idempotencyKey: `order-${id}-shipped` },
  );
