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

export function createShardReader(deps: ReaderDeps): ShardReader {
  const { session, newDeadline, index, group, reader, content, onEvents, onError } = deps;
  const alarm = createAlarm();
  let waiting: EventEntry[] = [];
  let acks: string[] = [];
  /** Events that the group has lost; `told`: those that were acknowledged. */
  let lost = 0;
  let isGapOpen = false;
  let told = 0;
  let from = '>';
  /** The last entry that was handed out under this lease. */
  let lastEntry = '0';
  let hasMore = false;
  let isFailing = false;
  let leasedUntil = 0;
  const stopping = new AbortController();

  async function call(leaseMs: number, most: number): Promise<EventsAnswer> {
    const written = acks;
    const toldNow = told;
    const calledAt = performance.now();
    acks = [];
    told = 0;
    try {
      const asked = { group, reader, leaseMs, most, from, content, told: toldNow, acks: written };
      const answer = await session.change(index, newDeadline(), async (shard) => await callEvents(shard, asked));
      leasedUntil = answer.kind === 'read' ? calledAt + leaseMs : 0;
      return answer;
    } catch (error) {
      // Writing them twice changes nothing.
      acks = [...written, ...acks];
      told += toldNow;
      // Redis may have handed out entries in an answer that was lost.
      from = lastEntry;
      throw error;
    }
  }

  function note(answer: Extract<EventsAnswer, { kind: 'read' }>, most: number): void {
    if (answer.isNew) {
      waiting = [];
      lastEntry = '0';
      isGapOpen = false;
    }
    waiting.push(...answer.entries);
    lastEntry = answer.entries.at(-1)?.entry ?? lastEntry;
    lost = Math.max(0, answer.lost - told);
    if (most === 0) return;
    hasMore = answer.entries.length === most;
    // What was handed out before comes first, until all of it was seen.
    const isOld = answer.isNew || from !== '>';
    from = isOld && hasMore ? lastEntry : '>';
  }

  async function look(): Promise<number> {
    const most = waiting.length < MOST_AT_ONCE ? MOST_AT_ONCE : 0;
    const answer = await call(LEASE_MS, most);
    if (answer.kind === 'taken') {
      // Another process has them now.
      waiting = [];
      lost = 0;
      isGapOpen = false;
      return Math.min(answer.forMs + 1, STAND_BY_MS);
    }
    const wasOld = answer.isNew || from !== '>';
    note(answer, most);
    if (waiting.length > 0 || lost > 0) onEvents();
    if (most > 0 && (wasOld || hasMore)) return 0;
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

  function acknowledge(entry: string): void {
    acks.push(entry);
    alarm.ring(acks.length >= MOST_AT_ONCE ? 0 : GATHER_MS);
  }

  function gap(count: number): { event: EventRecord; ack(): void } {
    const at = new Date();
    isGapOpen = true;
    return {
      event: {
        id: `${group}.${index}.gap.${at.getTime()}`,
        type: 'gap',
        at: at.toISOString(),
        group,
        shard: index,
        lost: count,
      },
      ack() {
        isGapOpen = false;
        told += count;
        lost = Math.max(0, lost - count);
        alarm.ring(GATHER_MS);
      },
    };
  }

  return {
    run,
    next() {
      // While the lease is in doubt, another process may read the same events.
      if (stopping.signal.aborted || performance.now() >= leasedUntil) return null;
      if (lost > 0 && !isGapOpen && from === '>') return gap(lost);
      for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
        const { entry: id, fields } = entry;
        if (hasMore && waiting.length === MOST_AT_ONCE / 2) alarm.ring(0);
        const event = readEvent(fields);
        if (event) return { event, ack: () => acknowledge(id) };
        // Others have added it.
        acknowledge(id);
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
