import { type DeadLetterRecord, deadLetterRecord } from '../shared/dead-letter-record.ts';
import type { StoredLetter } from '../shared/lanes/letters.ts';
import type { SendRequest } from '../shared/message.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';

/** A dead letter as `list` shows it: the fields of its request stand at the top, as `send` takes them. */
export type DeadLetterEntry = Omit<DeadLetterRecord, 'request'> & { message: SendRequest['message'] | null };

export function entryOf(letter: StoredLetter, config: { keepDeadMs: number; sealing: Sealing }): DeadLetterEntry {
  const { request, ...record } = deadLetterRecord(letter, config);
  return { ...record, message: request?.message ?? null };
}
