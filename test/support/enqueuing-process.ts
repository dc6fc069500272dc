/** A user's script that enqueues one message with the default producer, and ends without closing anything. */
import { enqueueMessage } from '../../src/producer/index.ts';

try {
  const receipt = await enqueueMessage({
    pageId: 'p1',
    conversationId: 'c1',
    message: { type: 'text', text: 'Hello' },
  });
  process.stdout.write(`${JSON.stringify(receipt)}\n`);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: (error as Error).name })}\n`);
}
