import type { EventRecord, SettledEvent } from '../model/event.ts';

/** A place outside Redis where events are kept. Its errors are of `LedgerUnavailableError`. */
export interface Ledger {
  /** Keeps events. An event that is kept already changes nothing. Returns when all of them are safe. */
  write(events: readonly EventRecord[]): Promise<void>;
  /** Returns events of a conversation, newest first; events of the same millisecond in descending order of their ids. */
  read(question: LedgerQuestion): Promise<SettledEvent[]>;
  /** Removes the whole days (UTC) that ended before this time, in ms since 1970. @returns how many days */
  expire(beforeMs: number): Promise<number>;
  close(): Promise<void>;
}

export interface LedgerQuestion {
  pageId: string;
  conversationId: string;
  /** Only events before this time, in ms since 1970. */
  beforeMs?: number | undefined;
  /** With `beforeMs`: also events at that time with a lesser id. The last event of a page of results gives both for the next page. */
  beforeId?: string | undefined;
  limit: number;
}
