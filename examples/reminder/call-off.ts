/**
 * Cancels a reminder. To move one, call it off and schedule another.
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
  console.log(`Too late, it is ${record?.status ?? 'no longer known'}: send another message that corrects it.`);
  process.exitCode = 1;
} else {
  console.log('No such message, or it ended long ago.');
  process.exitCode = 1;
}
