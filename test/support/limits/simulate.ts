import { tickIn } from '../../../src/shared/lanes/fleet/leader.ts';
import type { Taken } from '../../../src/shared/lanes/messages/settle-and-take.ts';
import type { Lanes } from '../lanes.ts';
import { createSimulatedWorker, type SimulatedWorker } from './simulated-worker.ts';
import type { SimulatedTime } from './simulated-time.ts';

/** A message that an app stores at a time after the start. */
export interface Arrival {
  afterMs: number;
  page: string;
  conversation: string;
}

/** A message that is sent. */
export interface Go extends Arrival {
  /** The index of its arrival. */
  nth: number;
  /** The time in ms after the start, on a clock that is never stepped. */
  atMs: number;
}

export interface Conditions {
  lanes: Lanes;
  time: SimulatedTime;
  /** The number of places of each worker. */
  workers: readonly number[];
  /** The duration of a request, in ms. */
  sendMs(): number;
  /** The delay of a worker that wakes up, in ms. */
  lateMs(): number;
  /** The time in which every process stands still. */
  stall?: { fromMs: number; toMs: number };
  /** Other events, by their time after the start. */
  happenings?: readonly { afterMs: number; run(): Promise<void> }[];
}

const LEADER = { workerId: 'leader', keepDoneMs: 1e12, keepDone: 1000, keepEvents: 1000, lockMs: 60_000 };
const TICK_MS = 1000;
/** More events than any simulation needs. */
const MANY_EVENTS = 50_000;

/** Stores and sends messages as an app and its workers would, in simulated time. @returns the sent messages, in order. */
export async function simulate(arrivals: readonly Arrival[], conditions: Conditions): Promise<Go[]> {
  const { lanes, time, sendMs, lateMs, stall, happenings = [] } = conditions;
  const { redis, root } = lanes.shard;
  const marker = `${root}send:marker`;
  const messages = new Map<string, Omit<Go, 'atMs'>>();
  const goes: Go[] = [];
  const events = createEvents();

  function planFor(atMs: number, run: () => Promise<void>): void {
    const isStalled = stall && atMs >= stall.fromMs && atMs < stall.toMs;
    events.plan((isStalled ? stall.toMs : atMs) + lateMs(), run);
  }

  function send(taken: Taken): number {
    const message = messages.get(taken.id);
    if (!message) throw new Error(`nobody stored ${taken.id}`);
    goes.push({ ...message, atMs: time.elapsedMs() });
    return sendMs();
  }

  const workers = conditions.workers.map((places) =>
    createSimulatedWorker({
      lanes,
      nowMs: time.elapsedMs,
      plan: planFor,
      places,
      sendMs: send,
      passOn: async () => void (await redis.zadd(marker, 0, '0')),
    }),
  );

  /** Redis gives the marker to the worker that has waited longest for it. */
  async function callWorker(): Promise<void> {
    const listening = longestListening(workers);
    if (listening && (await redis.zpopmin(marker)).length > 0) listening.called();
  }

  async function lead(): Promise<void> {
    await tickIn(lanes.shard, LEADER);
    planFor(time.elapsedMs() + TICK_MS, lead);
  }

  planFor(0, lead);
  for (const worker of workers) planFor(0, worker.start);
  for (const { afterMs, run } of happenings) events.plan(afterMs, run);
  for (const [nth, arrival] of arrivals.toSorted((one, other) => one.afterMs - other.afterMs).entries()) {
    events.plan(arrival.afterMs, async () => {
      messages.set(await lanes.store({ ...arrival, ttlMs: 1e12 }), { ...arrival, nth });
    });
  }
  for (let n = 0; goes.length < arrivals.length; n += 1) {
    const next = events.next();
    if (n > MANY_EVENTS) throw new Error(`after ${time.elapsedMs()} ms only ${goes.length} messages have gone`);
    if (next.atMs !== time.elapsedMs()) await time.passTo(next.atMs);
    await next.run();
    await callWorker();
  }
  return goes;
}

interface Event {
  atMs: number;
  run(): Promise<void>;
}

interface Events {
  plan(atMs: number, run: () => Promise<void>): void;
  /** The earliest event; of several at the same time the one that was planned first. */
  next(): Event;
}

function createEvents(): Events {
  const events: Event[] = [];
  return {
    plan(atMs, run) {
      const at = events.findLastIndex((event) => event.atMs <= atMs);
      events.splice(at + 1, 0, { atMs, run });
    },
    next() {
      const next = events.shift();
      if (!next) throw new Error('nothing happens any more');
      return next;
    },
  };
}

function longestListening(workers: readonly SimulatedWorker[]): SimulatedWorker | undefined {
  return workers
    .filter((worker) => worker.listensSince() !== null)
    .toSorted((one, other) => (one.listensSince() ?? 0) - (other.listensSince() ?? 0))[0];
}
