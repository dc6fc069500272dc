import { enqueueMessage } from 'kitechat-sender';

const text: string = process.env['TEXT'] ?? '';
const { id } = await enqueueMessage({ pageId: 'p1', conversationId: 'c1', message: { type: 'text', text } });
console.log(id);
