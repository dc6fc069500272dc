import { type DeadLetterRecord, deadLetterRecord } from '../shared/dead-letter-record.ts';
import type { StoredLetter } from '../shared/lanes/letters.ts';
import type { SendRequest } from '../shared/message.ts';

/** A dead letter as `list` shows it: the fields of its request stand at the top, as `send` takes them. */
export type DeadLetterEntry = Omit<DeadLetterRecord, 'request'> & { message: SendRequest['message'] | null };

export function entryOf({ id, payload, deadAtMs }: StoredLetter, keepDeadMs: number): DeadLetterEntry {
  const { request, ...record } = deadLetterRecord(id, payload, deadAtMs, keepDeadMs);
  return { ...record, message: request?.message ?? null };
}
