/**
 * Cancels a reminder. To move a reminder, cancel it and schedule another.
 *
 *   node examples/reminder/call-off.ts ID
 */
import { createProducer } from 'kitechat-sender';

const [id = ''] = process.argv.slice(2);
await using producer = createProducer({ redisUrl: process.env['REDIS_URL'] });

const result = await producer.cancelMessage(id);
if (result === 'cancelled') {
  console.log('It is not sent any more.');
} else if (result === 'too-late') {
  const record = await producer.getMessage(id);
  console.log(`Too late: the reminder is ${record?.status ?? 'no longer known'}. Send another message to correct it.`);
  process.exitCode = 1;
} else {
  console.log('No such message, or it ended long ago.');
  process.exitCode = 1;
}
