import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { type Shipped, tellShipped } from './tell-shipped.ts';

/**
 * Takes messages from a standard queue of SQS. With `ReportBatchItemFailures` in the event source mapping, only those that this answer
 * names are delivered again.
 */
export async function handler({ Records: records }: SQSEvent): Promise<SQSBatchResponse> {
  const results = await Promise.allSettled(
    records.map(async ({ messageId, body }) => await tellShipped(JSON.parse(body) as Shipped, `sqs-${messageId}`)),
  );
  const failed = records.filter((_, index) => results[index]?.status === 'rejected');
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}
