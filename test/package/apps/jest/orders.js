const { enqueueMessage } = require('kitechat-sender');

exports.tellShipped = async ({ id, conversationId }) =>
  await enqueueMessage(
    { pageId: 'p1', conversationId, message: { type: 'text', text: `Order ${id} is on its way.` } },
    { idempotencyKey: `order-${id}-shipped` },
  );
