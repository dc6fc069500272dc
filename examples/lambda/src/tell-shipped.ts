import { createProducer, IdempotencyConflictError, InvalidMessageError } from 'kitechat-sender';

// Outside of the handlers: all invocations of a container share the connection. The time is shorter than the function's time-out (3 s
// unless you change it), so that a call ends with an error that says what happened, before Lambda ends the process.
const producer = createProducer({ redisUrl: process.env['REDIS_URL'], enqueueTimeoutMs: 2000 });

export interface Shipped {
  orderId: string;
  pageId: string;
  conversationId: string;
}

/**
 * Stores a message. A message that can never be stored is only logged. Any other error is thrown, so that Lambda delivers the event
 * again: the message may have been stored or not, and the key lets it be stored once.
 *
 * @param idempotencyKey the same for every delivery of the same event
 */
export async function tellShipped({ orderId, pageId, conversationId }: Shipped, idempotencyKey: string): Promise<void> {
  try {
    await producer.enqueueMessage(
      { pageId, conversationId, message: { type: 'text', text: `Order ${orderId} is on its way.` } },
      { idempotencyKey },
    );
  } catch (error) {
    console.error(error);
    const isHopeless = error instanceof InvalidMessageError || error instanceof IdempotencyConflictError;
    if (!isHopeless) throw error;
  }
}
