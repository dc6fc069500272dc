import { deadLetterRecord, type DeadLetterRecord } from '../shared/reading/dead-letter-record.ts';
import type { LetterFilter, StoredLetter } from '../shared/lanes/dead/dead-letters.ts';
import type { SendRequest } from '../shared/model/message.ts';
import type { Sealing } from '../shared/sealing/sealing.ts';
import type { DeadReason } from '../shared/model/dead-letter.ts';

/** A dead letter as `list` returns it, with the fields of its request at the top level, as `send` accepts them. */
export type DeadLetterEntry = Omit<DeadLetterRecord, 'request'> & { message: SendRequest['message'] | null };

export function entryOf(letter: StoredLetter, config: { keepDeadMs: number; sealing: Sealing }): DeadLetterEntry {
  const { request, ...record } = deadLetterRecord(letter, config);
  return { ...record, message: request?.message ?? null };
}

/** The progress of a replay or discard. */
export interface Progress {
  matched: number;
  done: number;
  skipped: number;
  /** The number of selected entries; `null` if counting them would mean reading them. */
  total: number | null;
}

export type OnProgress = (progress: Progress) => void;

/** A filter of dead letters; an entry must meet all given conditions. */
export interface DeadLetterFilter {
  reason?: DeadReason | undefined;
  /** Also finds entries of the page that can't be read. */
  pageId?: string | undefined;
  conversationId?: string | undefined;
  label?: string | undefined;
  /** Finds entries that died at this time or later. */
  since?: Date | undefined;
  /** Finds entries that died before this time. */
  until?: Date | undefined;
}

export function searchFilterOf({ since, until, ...filter }: DeadLetterFilter): LetterFilter {
  return { ...filter, sinceMs: since?.getTime(), untilMs: until?.getTime() };
}
