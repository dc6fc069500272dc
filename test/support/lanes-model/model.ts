import type { StandingHold } from '../../../src/shared/lanes/holds/hold.ts';
import type { Taken } from '../../../src/shared/lanes/messages/settle-and-take.ts';
import type { Rules } from '../lanes.ts';
import type { Snapshot } from './snapshot.ts';

/** What is promised of one message. */
export interface Message {
  readonly id: string;
  readonly page: string;
  readonly conversation: string;
  readonly lane: string;
  readonly expiresAt: number;
  readonly dueAt: number | null;
  readonly isHigh: boolean;
  /** `waiting` in its lane, released perhaps; `gone`: BullMQ has no job of it any more. */
  place: 'waiting' | 'sending' | 'put-off' | 'scheduled' | 'ended' | 'gone';
  why: 'backoff' | 'hold' | 'delivered' | 'cancelled' | 'dead' | 'removed' | null;
  nextAt: number | null;
  /** The attempt that is open, or was closed last; '' for none. */
  attempt: string;
  /** Attempts used, entries in the history, and takes that found the attempt open. */
  used: number;
  tried: number;
  crashes: number;
}

/** A message that a worker has, or believes to have. */
export interface Work extends Pick<Taken, 'verdict' | 'attempt'> {
  readonly message: Message;
}

export interface Worker {
  readonly token: string;
  works: Work[];
  /** Slots that it has reserved, in time that never goes back. */
  slots: number[];
}

/**
 * What must be true, in plain data. It knows nothing of turns and windows: where a message that waits stands is read from
 * `seen`, and judged by the invariants.
 */
export interface Model {
  /** Redis's clock, which can step back, and a clock that can't. */
  now: number;
  passedMs: number;
  messages: Map<string, Message>;
  /** The open messages of each conversation, first to last. */
  lanes: Map<string, Message[]>;
  workers: Worker[];
  /** Who has the lock of a message: its token. */
  locks: Map<string, string>;
  /** Dead letters: the attempt that ended each. */
  letters: Map<string, string>;
  /** Idempotency keys: `<id> <hash>`, and until when they count. */
  keys: Map<string, { value: string; until: number }>;
  registered: Map<string, { concurrency: number; seenAt: number }>;
  lease: { id: string; until: number } | null;
  tickedAt: number | null;
  /** When somebody looked again, after a gap in which nobody had. */
  backAt: number | null;
  rules: Required<Rules>;
  term: number;
  /** What operators and dead letters hold: `*`, pages and lanes. */
  holds: Map<string, StandingHold>;
  /** Until when the API wants pages to wait. */
  timed: Map<string, number>;
  /** Times of slots, of the fleet's limit and of those of pages. */
  departures: { fleet: Pace; pages: Map<string, Pace> };
  /** An operator put them into `wait`, and no worker has met them since. */
  strays: Set<string>;
  /** An operator's hand was here: until the next repair messages may stand still. `wasDisturbed`: ever in this run. */
  isDisturbed: boolean;
  wasDisturbed: boolean;
  /** What is lost in this run: one key, or jobs. With several keys gone nothing may be left that knows of a message. */
  lost: 'key' | 'jobs' | null;
  /** A worker that was woken failed to look: the leader finds out within a second. */
  isWakeOwed: boolean;
  /** Redis after the last command. */
  seen: Snapshot;
  /** How often each thing happened, over all runs: a test of nothing would show here. */
  tally: Map<string, number>;
  names: number;
}

export const PAGES = ['p0', 'p1', 'p2'];
export const CONVERSATIONS = ['c0', 'c1', 'c2', 'c3', 'c4'];
export const START = Date.UTC(2026, 10, 22, 10);
const WORKERS = 3;
/** Longer than a run. */
export const LOCK_MS = 30_000;
export const LONGEST_TICK_MS = 12_000;

export function newModel(seen: Snapshot, rules: Required<Rules>, tally: Map<string, number>): Model {
  return {
    now: START,
    passedMs: 0,
    messages: new Map(),
    lanes: new Map(),
    workers: Array.from({ length: WORKERS }, (_, n) => ({ token: `worker-${n}`, works: [], slots: [] })),
    locks: new Map(),
    letters: new Map(),
    keys: new Map(),
    registered: new Map(),
    lease: null,
    tickedAt: null,
    backAt: null,
    rules,
    term: 0,
    holds: new Map(),
    timed: new Map(),
    departures: noDepartures(),
    strays: new Set(),
    isDisturbed: false,
    wasDisturbed: false,
    lost: null,
    isWakeOwed: false,
    seen,
    tally,
    names: 0,
  };
}

/** Nobody has looked for so long: Redis was away, or its clock has stepped forward. */
export function isAfterGap({ now, tickedAt }: Model): boolean {
  return tickedAt !== null && now - tickedAt > LONGEST_TICK_MS;
}

/** How long those whose locks have ended in a gap may still say what they know; 0 if there was none, or it is over. */
export function graceMs(model: Model): number {
  const { now, backAt } = model;
  if (isAfterGap(model)) return LOCK_MS;
  return backAt === null || backAt > now ? 0 : Math.max(0, backAt + LOCK_MS - now);
}

/** A name that nothing else in this run has. */
export function newName(model: Model, kind: string): string {
  model.names += 1;
  return `${kind}${model.names}`;
}

export function count(model: Model, what: string, times = 1): void {
  if (times > 0) model.tally.set(what, (model.tally.get(what) ?? 0) + times);
}

export function isOpen({ place }: Message): boolean {
  return place !== 'ended' && place !== 'gone';
}

export function openMessages(model: Model): Message[] {
  return [...model.messages.values()].filter(isOpen);
}

export function joinLane(model: Model, message: Message): void {
  Object.assign(message, { place: 'waiting' });
  model.lanes.set(message.lane, [...(model.lanes.get(message.lane) ?? []), message]);
}

export function endMessage(model: Model, message: Message, why: NonNullable<Message['why']>): void {
  const isKept = why === 'delivered' || why === 'cancelled';
  Object.assign(message, { place: isKept ? 'ended' : 'gone', why, nextAt: null });
  const lane = (model.lanes.get(message.lane) ?? []).filter((other) => other !== message);
  if (lane.length > 0) model.lanes.set(message.lane, lane);
  else model.lanes.delete(message.lane);
}

export function putOff(message: Message, why: 'backoff' | 'hold', nextAt: number): void {
  Object.assign(message, { place: 'put-off', why, nextAt });
}

export function comeBack(message: Message): void {
  Object.assign(message, { place: 'waiting', why: null, nextAt: null });
}

/** What any look by a worker brings back, but for what has lost the place that it waits in. */
export function bringBackDue(model: Model): void {
  const { seen, now } = model;
  const isLost = ({ id }: Message, place: string, waits: Record<string, number>): boolean =>
    seen.jobs[id]?.['place'] === place && !(id in waits);
  const open = openMessages(model);
  const due = open.filter(({ place, dueAt }) => place === 'scheduled' && (dueAt ?? 0) <= now);
  for (const message of open) {
    if ((message.nextAt ?? Infinity) <= now && !isLost(message, 'put-off', seen.delayed)) comeBack(message);
  }
  // Those of the same time in the order in which they were stored.
  for (const message of due.toSorted((one, other) => (one.dueAt ?? 0) - (other.dueAt ?? 0))) {
    if (isLost(message, 'scheduled', seen.due)) continue;
    joinLane(model, message);
    count(model, 'due');
  }
}

/** How many heads of a page may be in flight, told as the scripts tell it. */
export function windowSize({ rules }: Pick<Model, 'rules'>, pages: number): number {
  if (rules.window > 0) return rules.window;
  return Math.max(1, Math.ceil(rules.concurrency / Math.max(1, pages)));
}

/** The message that stands first in Redis; an operator may have removed it, and nobody noticed yet. */
export function headOf(seen: Pick<Snapshot, 'lanes'>, lane: string): string {
  return seen.lanes[lane]?.[0] ?? '';
}

/** The n-th of a list, whatever its length. */
export function pick<T>(list: readonly T[], n: number): T | undefined {
  return list[n % list.length];
}

/** Times at which messages were allowed to leave, since their limit last changed. */
export type Pace = number[];

export function noDepartures(): Model['departures'] {
  return { fleet: [], pages: new Map() };
}
