import { deadLetterRecord, type DeadLetterRecord } from '../shared/reading/dead-letter-record.ts';
import type { LetterFilter, StoredLetter } from '../shared/lanes/dead/dead-letters.ts';
import type { SendRequest } from '../shared/model/message.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';
import type { DeadReason } from '../shared/model/dead-letter.ts';

/** A dead letter as `list` shows it: the fields of its request stand at the top, as `send` takes them. */
export type DeadLetterEntry = Omit<DeadLetterRecord, 'request'> & { message: SendRequest['message'] | null };

export function entryOf(letter: StoredLetter, config: { keepDeadMs: number; sealing: Sealing }): DeadLetterEntry {
  const { request, ...record } = deadLetterRecord(letter, config);
  return { ...record, message: request?.message ?? null };
}

/** How far a replay or discard has come. */
export interface Progress {
  matched: number;
  done: number;
  skipped: number;
  /** How many it will be; `null` if only the entries themselves can tell. */
  total: number | null;
}

export type OnProgress = (progress: Progress) => void;

/** Which dead letters; all of the given conditions hold. */
export interface DeadLetterFilter {
  reason?: DeadReason | undefined;
  /** Also finds entries of the page that can't be read any more. */
  pageId?: string | undefined;
  conversationId?: string | undefined;
  label?: string | undefined;
  /** Died at this moment or later. */
  since?: Date | undefined;
  /** Died before this moment. */
  until?: Date | undefined;
}

export function searchFilterOf({ since, until, ...filter }: DeadLetterFilter): LetterFilter {
  return { ...filter, sinceMs: since?.getTime(), untilMs: until?.getTime() };
}
