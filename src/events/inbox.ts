import type { EventEntry } from '../shared/lanes/stream/read-events.ts';
import { readEvent } from '../shared/lanes/stream/event.ts';
import type { EventRecord } from '../shared/model/event.ts';
import { type Acked, createAcked, type Range } from '../shared/lanes/stream/acked.ts';

/** An event that was handed out. */
export interface Handed {
  event: EventRecord;
  ack(): void;
}

/** What a reader has read of a shard and not handed out yet, and what was acknowledged. Knows nothing of Redis. */
export interface Inbox {
  /** Begins anew after this number, as under a new lease. */
  begin(upTo: number, beyond: string): void;
  /** Takes entries that follow the position. Numbers that are missing were lost. */
  receive(entries: readonly EventEntry[]): void;
  /** The number of the last entry that was received. */
  position(): number;
  waiting(): number;
  next(): Handed | null;
  /** What is acknowledged and not written yet; `null` if nothing is. */
  toWrite(): { upTo: number; beyond: string } | null;
  /** What `toWrite` returned last was written. */
  written(): void;
}

interface Waiting extends Range {
  /** `null` if these events were lost. */
  event: EventRecord | null;
}

export interface InboxDeps {
  group: string;
  shard: number;
  /** Called after an acknowledgement, with the number of those that are not written. */
  onAck(unwritten: number): void;
}

export function createInbox({ group, shard, onAck }: InboxDeps): Inbox {
  let acked: Acked = createAcked(0);
  let position = 0;
  let waiting: Waiting[] = [];
  /** Events that were acknowledged, by their ids, until that is written. After a new lease they may come again, also with other numbers. */
  let unwritten = new Set<string>();
  let beingWritten = new Set<string>();
  let hasChanged = false;

  function addLost(from: number, to: number): void {
    for (const range of acked.missingIn(from, to)) waiting.push({ ...range, event: null });
  }

  function add(number: number, event: EventRecord | null): void {
    if (number > position + 1) addLost(position + 1, number - 1);
    position = number;
    if (acked.has(number)) return;
    // Others have added an entry that is no event.
    if (event === null || unwritten.delete(event.id)) {
      acked.add(number, number);
      hasChanged = true;
    } else {
      waiting.push({ from: number, to: number, event });
    }
  }

  function gapOf({ from, to }: Range): EventRecord {
    const lost = to - from + 1;
    return { id: `${group}.${shard}.gap.${from}-${to}`, type: 'gap', at: new Date().toISOString(), group, shard, lost };
  }

  return {
    begin(upTo, beyond) {
      acked = createAcked(upTo, beyond);
      position = upTo;
      waiting = [];
      unwritten = new Set([...beingWritten, ...unwritten]);
      beingWritten = new Set();
      hasChanged = false;
    },
    receive(entries) {
      for (const { number, fields } of entries) {
        if (number !== null) add(number, readEvent(fields));
      }
    },
    position: () => position,
    waiting: () => waiting.length,
    next() {
      const under = acked;
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const { from, to } = next;
        const event = next.event ?? gapOf(next);
        const ack = (): void => {
          unwritten.add(event.id);
          // Under a new lease the same number may be another event's.
          if (under !== acked) return;
          acked.add(from, to);
          hasChanged = true;
          onAck(unwritten.size);
        };
        // It was acknowledged when it came under an earlier lease.
        if (!unwritten.has(event.id)) return { event, ack };
        acked.add(from, to);
        hasChanged = true;
      }
      return null;
    },
    toWrite() {
      if (!hasChanged) return null;
      hasChanged = false;
      beingWritten = unwritten;
      unwritten = new Set();
      return { upTo: acked.upTo(), beyond: acked.beyond() };
    },
    written() {
      beingWritten = new Set();
    },
  };
}
