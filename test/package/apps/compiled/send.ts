import { enqueueMessage } from 'kitechat-sender';

// Without `await` at the top, so that it can be compiled to CommonJS, too.
void send();

async function send(): Promise<void> {
  const text: string = process.env['TEXT'] ?? '';
  const { id } = await enqueueMessage({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text } });
  console.log(id);
}
