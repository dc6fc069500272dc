import type { SettledEvent } from '../model/event.ts';

/** A place outside Redis where events are kept. */
export interface Ledger {
  /** Keeps events. An event that is kept already changes nothing. Returns when they are safe. */
  write(events: readonly SettledEvent[]): Promise<void>;
  /** Returns events of a conversation, the newest first. */
  read(question: LedgerQuestion): Promise<SettledEvent[]>;
  close(): Promise<void>;
}

export interface LedgerQuestion {
  pageId: string;
  conversationId: string;
  /** Only events before this time, in ms since 1970. */
  beforeMs?: number | undefined;
  limit: number;
}
