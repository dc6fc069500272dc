import { enqueueMessage } from 'kitechat-sender';

// The format CommonJS has no `await` at the top of a module.
void send();

async function send() {
  const { id } = await enqueueMessage({
    pageId: 'p1',
    conversationId: 'c1',
    message: { type: 'text', text: process.env['TEXT'] ?? '' },
  });
  process.stdout.write(id);
}
