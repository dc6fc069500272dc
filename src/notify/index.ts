export { withContent, withoutContent } from './content.ts';
export { createDeadWebhooks, type DeadWebhook, type DeadWebhooks } from './dead-webhooks.ts';
export { conversationOf, createDelivery, type Delivery, type DeliveryState } from './delivery.ts';
export { openDispatcher } from './dispatcher.ts';
export { parseEndpoint } from './endpoint.ts';
export { resultOf, results } from './judge.ts';
export { createReceiver, type Receiver } from './receiver.ts';
export { openWebhookSecrets } from './secrets.ts';
export { webhookOf } from './webhook.ts';
