import { messageId } from '../../../src/shared/lanes/key-names.ts';
import type { StandingHold } from '../../../src/shared/lanes/holds/hold.ts';
import type { Taken } from '../../../src/shared/lanes/messages/settle-and-take.ts';
import type { Rules } from '../lanes.ts';
import type { Snapshot } from './snapshot.ts';

/** The expected state of one message. */
export interface Message {
  readonly id: string;
  readonly page: string;
  readonly conversation: string;
  readonly lane: string;
  readonly expiresAt: number;
  readonly dueAt: number | null;
  readonly isHigh: boolean;
  /** `waiting`: in its lane, perhaps released; `gone`: BullMQ no longer has its job. */
  place: 'waiting' | 'sending' | 'put-off' | 'scheduled' | 'ended' | 'gone';
  why: 'backoff' | 'hold' | 'aside' | 'keyless' | 'delivered' | 'cancelled' | 'dead' | 'removed' | null;
  nextAt: number | null;
  /** The attempt that is open, or was closed last; '' if there is none. */
  attempt: string;
  /** Attempts used, entries in the history, and takes that found the attempt open. */
  used: number;
  tried: number;
  crashes: number;
}

/** A message that a worker has, or believes that it has. */
export interface Work extends Pick<Taken, 'verdict' | 'attempt'> {
  readonly message: Message;
}

export interface Worker {
  readonly token: string;
  works: Work[];
  /** Slots that the worker has reserved, on the clock that never goes back. */
  slots: number[];
}

/**
 * The expected state, as plain data. The model knows nothing of turns and windows: the place of a waiting message is read from
 * `seen`, and checked by the invariants.
 */
export interface Model {
  /** Redis's clock, which can step back, and a clock that can't. */
  now: number;
  passedMs: number;
  messages: Map<string, Message>;
  /** The open messages of each conversation, first to last. */
  lanes: Map<string, Message[]>;
  workers: Worker[];
  /** The token of the worker that has the lock, by message. */
  locks: Map<string, string>;
  /** The attempt that ended each dead letter. */
  letters: Map<string, string>;
  /** Idempotency keys: `<id> <hash>`, and the end of each. */
  keys: Map<string, { value: string; until: number }>;
  registered: Map<string, { concurrency: number; seenAt: number }>;
  lease: { id: string; until: number } | null;
  tickedAt: number | null;
  /** The time of the first look after a gap in which nobody looked. */
  backAt: number | null;
  rules: Required<Rules>;
  term: number;
  /** Holds of operators and for dead letters: `*`, pages and lanes. */
  holds: Map<string, StandingHold>;
  /** Times of slots of the fleet's limit and of the pages' limits. */
  departures: { fleet: Pace; pages: Map<string, Pace> };
  /** Messages that an operator put into `wait`, and no worker has found since. */
  strays: Set<string>;
  /** An operator has interfered: until the next repair, messages may stand still. `wasDisturbed`: ever in this run. */
  isDisturbed: boolean;
  wasDisturbed: boolean;
  /** What is deleted in this run: one key, or jobs. With several keys gone, nothing might be left that names a message. */
  lost: 'key' | 'jobs' | null;
  /** The last command has taken a message as a probe. */
  isProbing: boolean;
  /** A woken worker has failed to look; the leader notices within a second. */
  isWakeOwed: boolean;
  /** The state of Redis after the last command. */
  seen: Snapshot;
  /** The number of occurrences of each event over all runs, which reveals a test that tests nothing. */
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
    departures: noDepartures(),
    strays: new Set(),
    isDisturbed: false,
    wasDisturbed: false,
    lost: null,
    isProbing: false,
    isWakeOwed: false,
    seen,
    tally,
    names: 0,
  };
}

/** The gap after which Redis counts as having been away, or its clock as having stepped forward. */
export function isAfterGap({ now, tickedAt }: Model): boolean {
  return tickedAt !== null && now - tickedAt > LONGEST_TICK_MS;
}

/** The time left in which workers whose locks ended in a gap may still settle; 0 without a gap, or if the time is over. */
export function graceMs(model: Model): number {
  const { now, backAt } = model;
  if (isAfterGap(model)) return LOCK_MS;
  return backAt === null || backAt > now ? 0 : Math.max(0, backAt + LOCK_MS - now);
}

/** A name that is unique in this run. */
export function newId(model: Model): string {
  model.names += 1;
  return messageId(0, String(model.names).padStart(26, '0'));
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

export function putOff(message: Message, why: 'backoff' | 'hold' | 'aside' | 'keyless', nextAt: number): void {
  Object.assign(message, { place: 'put-off', why, nextAt });
}

export function comeBack(message: Message): void {
  Object.assign(message, { place: 'waiting', why: null, nextAt: null });
}

/** The messages that any look by a worker brings back, except those that have lost their place. */
export function bringBackDue(model: Model): void {
  const { seen, now } = model;
  const isLost = ({ id }: Message, place: string, waits: Record<string, number>): boolean =>
    seen.jobs[id]?.['place'] === place && !(id in waits);
  const open = openMessages(model);
  const due = open.filter(({ place, dueAt }) => place === 'scheduled' && (dueAt ?? 0) <= now);
  for (const message of open) {
    if ((message.nextAt ?? Infinity) <= now && !isLost(message, 'put-off', seen.delayed)) comeBack(message);
  }
  // Messages of the same time are in the order in which they were stored.
  for (const message of due.toSorted((one, other) => (one.dueAt ?? 0) - (other.dueAt ?? 0))) {
    if (isLost(message, 'scheduled', seen.due)) continue;
    joinLane(model, message);
    count(model, 'due');
  }
}

/** The number of heads of a page that may be in flight, calculated like in the scripts. */
export function windowSize({ rules }: Pick<Model, 'rules'>, pages: number): number {
  if (rules.window > 0) return rules.window;
  return Math.max(1, Math.ceil(rules.concurrency / Math.max(1, pages)));
}

/** The first message in Redis; an operator may have removed it unnoticed. */
export function headOf(seen: Pick<Snapshot, 'lanes'>, lane: string): string {
  return seen.lanes[lane]?.[0] ?? '';
}

/** The n-th element of a list, modulo its length. */
export function pick<T>(list: readonly T[], n: number): T | undefined {
  return list[n % list.length];
}

/** The times at which messages were allowed to leave since their limit last changed. */
export type Pace = number[];

export function noDepartures(): Model['departures'] {
  return { fleet: [], pages: new Map() };
}
