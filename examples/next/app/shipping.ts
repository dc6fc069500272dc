import { enqueueMessage, type Receipt } from 'kitechat-sender';

export interface Shipment {
  orderId: string;
  pageId: string;
  conversationId: string;
}

/**
 * Stores the message that tells a customer; a worker in another process sends it. Always await it: what still runs when the
 * response is out may be stopped.
 */
export async function tellShipped({ orderId, pageId, conversationId }: Shipment): Promise<Receipt> {
  return await enqueueMessage(
    { pageId, conversationId, message: { type: 'text', text: `Order ${orderId} is on its way.` } },
    // Names the event, not the request: a second click, a reload or a repeated webhook doesn't repeat the message.
    { idempotencyKey: `order-${orderId}-shipped`, label: 'shipping' },
  );
}
