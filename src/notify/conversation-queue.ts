/** What waits in a queue. */
export interface Queued {
  /** What keeps its order: only the first of the entries with the same text is handed out. */
  readonly conversation: string;
}

/** Entries by conversation. At most one entry of a conversation is handed out at a time, the first one. */
export interface ConversationQueue<Entry extends Queued> {
  add(entry: Entry): void;
  /** Hands out an entry that is ready; `undefined` if there is none. */
  take(nowMs: number): Entry | undefined;
  /** Puts an entry that was handed out back to the front of its conversation, until a time. */
  putOff(entry: Entry, untilMs: number): void;
  /** Removes an entry that was handed out, so that its conversation goes on. */
  remove(entry: Entry): void;
  /** When the next entry is ready, if one was put off. */
  nextAtMs(): number | undefined;
  /** Whether an entry can be handed out. */
  hasReady(nowMs: number): boolean;
  /** The entry that was added first, also if it was handed out. */
  oldest(): Entry | undefined;
  size(): number;
}

export function createConversationQueue<Entry extends Queued>(): ConversationQueue<Entry> {
  const all = new Set<Entry>();
  const conversations = new Map<string, Entry[]>();
  const ready: Entry[] = [];
  /** In the order of their times. */
  const waiting: { entry: Entry; untilMs: number }[] = [];

  function comeBack(nowMs: number): void {
    for (let [first] = waiting; first && first.untilMs <= nowMs; [first] = waiting) {
      waiting.shift();
      ready.push(first.entry);
    }
  }

  return {
    add(entry) {
      all.add(entry);
      const others = conversations.get(entry.conversation);
      if (others) return void others.push(entry);
      conversations.set(entry.conversation, [entry]);
      ready.push(entry);
    },
    take(nowMs) {
      comeBack(nowMs);
      return ready.shift();
    },
    putOff(entry, untilMs) {
      const after = waiting.findLastIndex((other) => other.untilMs <= untilMs);
      waiting.splice(after + 1, 0, { entry, untilMs });
    },
    remove(entry) {
      all.delete(entry);
      const entries = conversations.get(entry.conversation) ?? [];
      entries.shift();
      const [next] = entries;
      if (next) ready.push(next);
      else conversations.delete(entry.conversation);
    },
    nextAtMs: () => waiting[0]?.untilMs,
    hasReady(nowMs) {
      comeBack(nowMs);
      return ready.length > 0;
    },
    oldest: () => all.values().next().value,
    size: () => all.size,
  };
}
