import { ConfigError } from '../shared/errors/errors.ts';
import type { Deadline } from '../shared/redis/deadline.ts';
import { callEvents, type EventsAnswer } from '../shared/lanes/stream/read-events.ts';
import type { Session } from '../shared/session/session.ts';
import { createAlarm } from './alarm.ts';
import { createInbox, type Handed } from './inbox.ts';

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
   * Reads until it is stopped, also through outages. Then it writes the acknowledgements, and lets another process read.
   *
   * @throws ConfigError if the namespace has another number of shards
   */
  run(): Promise<void>;
  /** The next event; `null` if there is none now. */
  next(): Handed | null;
  stop(): void;
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
const MOST_AT_ONCE = 500;

export function createShardReader(deps: ReaderDeps): ShardReader {
  const { session, newDeadline, index, group, reader, content, onEvents, onError } = deps;
  const alarm = createAlarm();
  const stopping = new AbortController();
  const inbox = createInbox({
    group,
    shard: index,
    onAck: (unwritten) => alarm.ring(unwritten >= MOST_AT_ONCE ? 0 : GATHER_MS),
  });
  /** The number of the lease; 0 for none. */
  let lease = 0;
  let leases = 0;
  let leasedUntil = 0;
  /** The position that Redis knows. */
  let seen = 0;
  let hasMore = false;
  let isFailing = false;

  async function call(leaseMs: number, most: number): Promise<EventsAnswer> {
    const calledAt = performance.now();
    leases += 1;
    const nextLease = leases;
    const position = inbox.position();
    const acked = lease === 0 ? null : inbox.toWrite();
    const asked = { group, reader, lease, nextLease, leaseMs, content, seen, position, most, acked };
    try {
      const answer = await session.change(index, newDeadline(), async (shard) => await callEvents(shard, asked));
      leasedUntil = answer.kind === 'taken' ? 0 : calledAt + answer.forMs;
      if (answer.kind === 'kept') {
        inbox.written();
        seen = position;
      } else if (answer.kind === 'new') {
        lease = nextLease;
        seen = answer.upTo;
        inbox.begin(answer.upTo, answer.beyond);
      } else {
        giveUp();
      }
      return answer;
    } catch (error) {
      // Nobody knows what Redis has noted, and whether it has still all that it had.
      giveUp();
      throw error;
    }
  }

  function giveUp(): void {
    lease = 0;
    leasedUntil = 0;
  }

  async function look(): Promise<number> {
    const most = inbox.waiting() < MOST_AT_ONCE ? MOST_AT_ONCE : 0;
    const answer = await call(LEASE_MS, most);
    if (answer.kind === 'taken') return Math.min(answer.forMs + 1, STAND_BY_MS);
    if (answer.kind === 'new') return 0;
    inbox.receive(answer.entries);
    if (most > 0) hasMore = answer.entries.length === most;
    if (inbox.waiting() > 0) onEvents();
    if (hasMore && inbox.waiting() < MOST_AT_ONCE) return 0;
    return inbox.waiting() > 0 ? RENEW_MS : LOOK_MS;
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
    // Without its answer, the lease ends by itself, and what was not acknowledged comes again.
    if (lease > 0) await call(0, 0).catch(() => {});
  }

  return {
    run,
    next() {
      // While the lease is in doubt, another process may read the same events.
      if (stopping.signal.aborted || performance.now() >= leasedUntil) return null;
      if (hasMore && inbox.waiting() === MOST_AT_ONCE / 2) alarm.ring(0);
      return inbox.next();
    },
    stop() {
      stopping.abort();
      alarm.ring(0);
    },
  };
}
