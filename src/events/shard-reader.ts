import { ConfigError } from '../shared/errors/errors.ts';
import type { Deadline } from '../shared/redis/deadline.ts';
import { readEvent } from '../shared/lanes/stream/event.ts';
import { callEvents, type EventEntry, type EventsAnswer } from '../shared/lanes/stream/read-events.ts';
import type { EventRecord } from '../shared/model/event.ts';
import type { Session } from '../shared/session/session.ts';
import { createAlarm } from './alarm.ts';

export interface ReaderDeps {
  session: Session;
  newDeadline(): Deadline;
  /** The shard's number. */
  index: number;
  group: string;
  /** The name of this process among the readers of the group. */
  reader: string;
  content: boolean;
  /** Called when an event may be taken. */
  onEvents(): void;
  /** Called once for each outage. */
  onError(error: unknown): void;
}

/** Reads the events of one shard for a group, as long as no other process of the group does. */
export interface ShardReader {
  /**
   * Reads until it is stopped, also through outages.
   *
   * @throws ConfigError if the namespace has another number of shards
   */
  run(): Promise<void>;
  /** The next event; `null` if there is none now. */
  next(): { event: EventRecord; ack(): void } | null;
  /** Writes the acknowledgements, and lets another process read. */
  stop(): Promise<void>;
}

const LEASE_MS = 10_000;
/** How often a reader renews its lease while its events wait to be handled. */
const RENEW_MS = 2000;
/** How often it looks for new events. */
const LOOK_MS = 100;
/** How often it tries to read a shard that another process reads. */
const STAND_BY_MS = 500;
/** How long it waits after a failed call. */
const RETRY_MS = 500;
/** How long acknowledgements wait for others, to be written together. */
const GATHER_MS = 20;
const MOST_AT_ONCE = 250;
/** The position before the first entry. */
const START = '0-0';

export function createShardReader(deps: ReaderDeps): ShardReader {
  const { session, newDeadline, index, group, reader, content, onEvents, onError } = deps;
  const alarm = createAlarm();
  let waiting: EventEntry[] = [];
  /** The number of the lease that this reader has; 0 if it has none. */
  let lease = 0;
  let leases = 0;
  let leasedUntil = 0;
  /** Entries that were acknowledged under this lease, but not yet in Redis. */
  let acks: string[] = [];
  /** Events that the group has lost so far. */
  let lost = 0;
  /** Those of them that were acknowledged. */
  let told = 0;
  let isGapOpen = false;
  /** Up to where entries were received under this lease, so that Redis can tell which answers were lost. */
  let position = START;
  let hasMore = false;
  let isFailing = false;
  const stopping = new AbortController();

  /** What an earlier lease handed out may have come to another process since. */
  function begin(newLease: number): void {
    lease = newLease;
    waiting = [];
    acks = [];
    told = 0;
    lost = 0;
    isGapOpen = false;
    position = START;
    hasMore = false;
  }

  async function call(leaseMs: number, most: number): Promise<EventsAnswer> {
    const written = acks;
    const calledAt = performance.now();
    const leaseNow = lease;
    acks = [];
    leases += 1;
    const asked = { group, reader, lease, nextLease: leases, leaseMs, most, position, content, told, acks: written };
    try {
      const answer = await session.change(index, newDeadline(), async (shard) => await callEvents(shard, asked));
      leasedUntil = answer.kind === 'read' ? calledAt + answer.forMs : 0;
      return answer;
    } catch (error) {
      // Writing them twice changes nothing.
      if (lease === leaseNow) acks = [...written, ...acks];
      throw error;
    }
  }

  function note(answer: Extract<EventsAnswer, { kind: 'read' }>, most: number): void {
    if (answer.lease !== lease) begin(answer.lease);
    waiting.push(...answer.entries);
    ({ position, lost } = answer);
    told = Math.max(told, answer.told);
    if (most > 0) ({ hasMore } = answer);
  }

  async function look(): Promise<number> {
    const most = waiting.length < MOST_AT_ONCE ? MOST_AT_ONCE : 0;
    const answer = await call(LEASE_MS, most);
    if (answer.kind === 'taken') {
      begin(0);
      return Math.min(answer.forMs + 1, STAND_BY_MS);
    }
    note(answer, most);
    if (waiting.length > 0 || lost > told) onEvents();
    if (hasMore && waiting.length < MOST_AT_ONCE) return 0;
    return waiting.length > 0 ? RENEW_MS : LOOK_MS;
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let pauseMs = RETRY_MS;
      try {
        pauseMs = await look();
        isFailing = false;
      } catch (error) {
        if (error instanceof ConfigError) throw error;
        if (!stopping.signal.aborted && !isFailing) onError(error);
        isFailing = true;
      }
      if (!stopping.signal.aborted && pauseMs > 0) await alarm.wait(pauseMs);
    }
  }

  /** An acknowledgement under an earlier lease says nothing: the event comes again, perhaps to another process. */
  function acknowledge(entry: string, under: number): void {
    if (under !== lease) return;
    acks.push(entry);
    alarm.ring(acks.length >= MOST_AT_ONCE ? 0 : GATHER_MS);
  }

  function gap(): { event: EventRecord; ack(): void } {
    const at = new Date();
    const under = lease;
    const upTo = lost;
    isGapOpen = true;
    return {
      event: {
        id: `${group}.${index}.gap.${at.getTime()}`,
        type: 'gap',
        at: at.toISOString(),
        group,
        shard: index,
        lost: lost - told,
      },
      ack() {
        if (under !== lease) return;
        isGapOpen = false;
        told = Math.max(told, upTo);
        alarm.ring(GATHER_MS);
        if (lost > told) onEvents();
      },
    };
  }

  return {
    run,
    next() {
      // While the lease is in doubt, another process may read the same events.
      if (stopping.signal.aborted || performance.now() >= leasedUntil) return null;
      if (lost > told && !isGapOpen) return gap();
      const under = lease;
      for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
        const { entry: id, fields } = entry;
        if (hasMore && waiting.length === MOST_AT_ONCE / 2) alarm.ring(0);
        const event = readEvent(fields);
        if (event) return { event, ack: () => acknowledge(id, under) };
        // Others have added it.
        acknowledge(id, under);
      }
      return null;
    },
    async stop() {
      stopping.abort();
      alarm.ring(0);
      await call(0, 0);
    },
  };
}
