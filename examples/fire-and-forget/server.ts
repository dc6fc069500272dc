/**
 * An HTTP handler that answers at once: it stores the message, and a worker in another process sends it.
 *
 *   curl -X POST http://127.0.0.1:3000/orders/17/shipped -H 'content-type: application/json' \
 *     -d '{"pageId":"p1","conversationId":"c1"}'
 */
import Fastify from 'fastify';
import {
  createProducer,
  EnqueueUncertainError,
  IdempotencyConflictError,
  InvalidMessageError,
  QueueFullError,
  QueueUnavailableError,
} from 'kitechat-sender';

const { REDIS_URL, PORT = '3000' } = process.env;

// One producer for the whole process. No customer waits longer than 2 s, even if Redis fails.
const producer = createProducer({ redisUrl: REDIS_URL, enqueueTimeoutMs: 2000 });
const app = Fastify({ logger: true, forceCloseConnections: 'idle', keepAliveTimeout: 5000 });

interface Shipped {
  Params: { orderId: string };
  Body: { pageId: string; conversationId: string };
}

app.post<Shipped>('/orders/:orderId/shipped', { schema: { body: { type: 'object' } } }, async (request, reply) => {
  const { orderId } = request.params;
  const { pageId, conversationId } = request.body;
  const receipt = await producer.enqueueMessage(
    { pageId, conversationId, message: { type: 'text', text: `Order ${orderId} is on its way.` } },
    // A repeated request (from a browser, a proxy, a webhook) doesn't repeat the message.
    { idempotencyKey: `order-${orderId}-shipped`, label: 'shipping' },
  );
  return await reply.code(202).send(receipt);
});

app.setErrorHandler(async (error, request, reply) => {
  if (error instanceof InvalidMessageError) return await reply.code(400).send({ issues: error.issues });
  if (error instanceof IdempotencyConflictError) return await reply.code(409).send({ id: error.id });
  // The message may have been stored or not: with the idempotency key, asking again is safe in all three cases.
  const again = [QueueUnavailableError, QueueFullError, EnqueueUncertainError].some((kind) => error instanceof kind);
  if (again) return await reply.code(503).header('retry-after', '2').send({ message: 'Please try again.' });
  request.log.error(error);
  return await reply.code(500).send({ message: 'Something went wrong.' });
});

// Calls in progress finish before the connection to Redis is closed.
app.addHook('onClose', async () => await producer.close());
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void app.close());
await app.listen({ host: '127.0.0.1', port: Number(PORT) });
