/**
 * Schedules a reminder and prints its id. Keep the id with the appointment, since you need it to cancel the reminder.
 *
 *   node examples/reminder/remind.ts p1 c1 2026-12-24T09:00:00+01:00 'See you at ten.'
 */
import { createProducer, InvalidMessageError } from 'kitechat-sender';

const HALF_AN_HOUR_MS = 30 * 60_000;

const [pageId = '', conversationId = '', sendAt = '', text = ''] = process.argv.slice(2);
await using producer = createProducer({ redisUrl: process.env['REDIS_URL'] });

try {
  const { id } = await producer.enqueueMessage(
    { pageId, conversationId, message: { type: 'text', text } },
    {
      sendAt,
      // The TTL counts from when the message is due: after an outage a late reminder would only confuse.
      ttlMs: HALF_AN_HOUR_MS,
      // Newsletters of the same page can wait, a reminder can't.
      priority: 'high',
      label: 'reminder',
    },
  );
  console.log(id);
} catch (error) {
  if (!(error instanceof InvalidMessageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
