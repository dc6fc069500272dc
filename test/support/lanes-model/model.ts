import type { DeadLetterPolicy } from '../../../src/shared/dead-letter.ts';
import type { StandingHold } from '../../../src/shared/lanes/hold.ts';
import type { Claim, FleetWord } from '../../../src/shared/lanes/claim.ts';
import type { Settlement, SettleResult } from '../../../src/shared/lanes/settle.ts';
import { type Arrival, NEVER, type Pace, type PageRecord, type Rules } from './pace.ts';
import type { Snapshot } from './snapshot.ts';

/** What is promised of one message. */
export interface Message {
  readonly id: string;
  readonly page: string;
  readonly conversation: string;
  readonly lane: string;
  readonly expiresAt: number;
  /** Attempts used, claims since a worker lived through one, and entries in the history. */
  used: number;
  starts: number;
  tried: number;
  /** The attempts under way and closed last, or ''. */
  open: string;
  closed: string;
  /** Put off until `nextAt`, out of the window or in it, for a slot of a limit perhaps. */
  putOff: 'backoff' | 'hold' | 'slot' | null;
  nextAt: number | null;
  pageSlot: number | null;
  fleetSlot: number | null;
  /** It isn't in its conversation before that. */
  dueAt: number | null;
  readonly isHigh: boolean;
  end: 'delivered' | 'dead' | 'cancelled' | 'removed' | null;
  /** An operator put it into `wait` out of its turn, and no worker has claimed it since. */
  promoted: boolean;
}

/** A worker's step with the job that it has. */
export interface Work {
  readonly message: Message;
  readonly attempt: string;
  claim: Claim | null;
  /** What the fleet has said of it, for the last claim. */
  word: FleetWord;
  settlement: { openAttempt: string; usedAttempt: boolean; survived: boolean; what: Settlement } | null;
  result: SettleResult | null;
}

/** One of the places of a worker process: it has one job at a time, each under the same token. */
export interface Worker {
  token: string;
  work: Work | null;
}

/**
 * What must be true, in plain data. It knows nothing of ready lists and windows: where a message stands is read from
 * `seen`, and judged by the invariants.
 */
export interface Model {
  now: number;
  messages: Map<string, Message>;
  /** The open messages of each conversation, first to last. */
  lanes: Map<string, Message[]>;
  workers: Worker[];
  /** Who has the lock of a message: its token. */
  locks: Map<string, string>;
  letters: Set<string>;
  /** Idempotency keys: `<id> <hash>`, and until when they count. */
  keys: Map<string, { value: string; until: number }>;
  registered: Map<string, { concurrency: number; seenAt: number }>;
  fleet: { concurrency: number; window: number; pageLimit: Pace | null; intervalMs: number };
  /** What operators and dead letters hold: `*`, pages and lanes. */
  holds: Map<string, StandingHold>;
  /** What a dead letter means for its conversation, as the workers are set up now. */
  policy: DeadLetterPolicy;
  /** Until when the API wants pages to wait. */
  timed: Map<string, number>;
  paces: Map<string, PageRecord>;
  /** From when on the next message of the fleet may leave, and the next one that must wait for that has its turn. */
  left: Arrival;
  turns: Arrival;
  limitSince: number;
  /** Conversations that an operator touched since the last repair, and whether one ever did. */
  disturbed: Set<string>;
  everDisturbed: boolean;
  /** Redis after the last command. */
  seen: Snapshot;
  /** How often each thing happened, over all runs: a test of nothing would show here. */
  tally: Map<string, number>;
  names: number;
}

/** A step of the model, for invariants that compare. */
export interface Moment {
  model: Model;
  /** The same model's sizes and Redis's state before the command. */
  before: Pick<Model, 'seen' | 'fleet'>;
  /** Pages on which a script has just released what it could. */
  released: readonly string[];
}

export const PAGES = ['p0', 'p1'];
export const CONVERSATIONS = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5'];
export const WORKERS = 5;
export const START = Date.UTC(2026, 10, 22, 10);

export function newModel(seen: Snapshot, rules: Rules, tally: Map<string, number>): Model {
  return {
    now: START,
    messages: new Map(),
    lanes: new Map(),
    workers: Array.from({ length: WORKERS }, (_, n) => ({ token: `worker-${n}`, work: null })),
    locks: new Map(),
    letters: new Set(),
    keys: new Map(),
    registered: new Map(),
    fleet: { concurrency: 50, ...rules },
    timed: new Map(),
    paces: new Map(),
    left: NEVER,
    turns: NEVER,
    limitSince: 0,
    holds: new Map(),
    policy: 'continue',
    disturbed: new Set(),
    everDisturbed: false,
    seen,
    tally,
    names: 0,
  };
}

/** A name that nothing else in this run has. */
export function newName(model: Model, kind: string): string {
  model.names += 1;
  return `${kind}${model.names}`;
}

export function count(model: Model, what: string): void {
  model.tally.set(what, (model.tally.get(what) ?? 0) + 1);
}

export function openMessages(model: Model): Message[] {
  return [...model.messages.values()].filter(({ end }) => end === null);
}

export function hasEnded({ end }: Message): boolean {
  return end === 'delivered' || end === 'dead' || end === 'cancelled';
}

export function endMessage(model: Model, message: Message, how: NonNullable<Message['end']>): void {
  message.end = how;
  message.promoted = false;
  message.dueAt = null;
  endWait(message);
  const lane = (model.lanes.get(message.lane) ?? []).filter((other) => other !== message);
  if (lane.length > 0) model.lanes.set(message.lane, lane);
  else model.lanes.delete(message.lane);
  if (how === 'dead') model.letters.add(message.id);
}

export function endWait(message: Message): void {
  Object.assign(message, { putOff: null, nextAt: null, pageSlot: null, fleetSlot: null });
}

/** The room of one page, told as the scripts tell it. */
export function windowSize({ fleet }: Pick<Model, 'fleet'>, pages: number): number {
  if (fleet.window > 0) return fleet.window;
  return Math.max(1, Math.ceil(fleet.concurrency / Math.max(1, pages)));
}

/** The message that stands first in Redis; it may be one that an operator removed and nobody has noticed yet. */
export function headOf(seen: Pick<Snapshot, 'lanes'>, lane: string): string | undefined {
  return seen.lanes[lane]?.[0];
}

/** The n-th of a list, whatever its length. */
export function pick<T>(list: readonly T[], n: number): T | undefined {
  return list[n % list.length];
}
