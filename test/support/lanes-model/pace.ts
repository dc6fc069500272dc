import type { FleetRules } from '../../../src/shared/lanes/register.ts';
import type { Message, Model } from './model.ts';

/** A slot that was missed by more than this is gone. */
const LATE_MS = 10_000;
/** What was late leaves so much faster than the limit, and so much earlier. */
const FASTER = 0.97;
const HEAD_MS = 20;
/** Slots are reserved so far ahead. */
const AHEAD_MS = 2000;

/** How fast a page may send: at least so long between two, after the first `burst`. */
export interface Pace {
  intervalMs: number;
  burst: number;
}

/** What a worker tells its shard, besides what it can do itself. */
export type Rules = Omit<Model['fleet'], 'concurrency'>;

export function fleetRulesOf({ window, pageLimit, intervalMs }: Rules): FleetRules {
  const limitOf = (pace: Pace) => ({ count: 1, unit: 's' as const, ...pace });
  const limit = intervalMs === 0 ? null : limitOf({ intervalMs, burst: 1 });
  return { window, pageLimit: pageLimit && limitOf(pageLimit), limit };
}

/** What was granted and sent on a page since its limit was set. */
export interface PageRecord {
  /** From when on the next one is late enough, by the page's own slots, and by what leaves beside a limit of the fleet. */
  granted: Arrival;
  leaving: Arrival;
  /** The same of what has left: it keeps nearly to the limit, too. */
  left: Arrival;
  turns: Arrival;
  slots: number[];
  sentAt: number[];
}

/** And for which pace that was counted. */
export interface Arrival {
  at: number;
  pace: Pace | null;
}

export interface Reservation {
  of: 'granted' | 'leaving' | 'left' | 'turns' | 'leftOfFleet' | 'turnsOfFleet';
  slot: number;
  arrival: Arrival;
}

export const NEVER: Arrival = { at: 0, pace: null };
const newRecord = (): PageRecord => ({
  granted: NEVER,
  leaving: NEVER,
  left: NEVER,
  turns: NEVER,
  slots: [],
  sentAt: [],
});

function recordOf({ paces }: Model, page: string): PageRecord {
  const record = paces.get(page) ?? newRecord();
  paces.set(page, record);
  return record;
}

export function isDue({ now }: Model, slot: number | null): boolean {
  return slot !== null && slot <= now && now - slot <= LATE_MS;
}

/** The slot that a message gets which asks for one at a time, after what it has reserved in the same claim. */
export function reserve(
  model: Model,
  page: string,
  of: 'granted' | 'leaving',
  { from, before = [] }: { from: number; before?: readonly Reservation[] },
): Reservation {
  const pace = model.fleet.pageLimit ?? { intervalMs: 0, burst: 1 };
  const arrival = before.findLast((each) => each.of === of)?.arrival ?? recordOf(model, page)[of];
  return { of, ...nextOf(arrival, pace, from) };
}

/** The measures of what leaves: the fleet's, then the page's. */
function measuresOf(model: Model, page: string) {
  const { pageLimit, intervalMs } = model.fleet;
  const record = recordOf(model, page);
  const faster = (pace: Pace): Pace => ({ ...pace, intervalMs: FASTER * pace.intervalMs });
  return [
    ...(intervalMs === 0 ? [] : [{ of: 'fleet' as const, ...pick(model), pace: faster({ intervalMs, burst: 1 }) }]),
    ...(pageLimit === null ? [] : [{ of: 'page' as const, ...pick(record), pace: faster(pageLimit) }]),
  ];
}

function pick({ left, turns }: Record<'left' | 'turns', Arrival>): Record<'left' | 'turns', Arrival> {
  return { left, turns };
}

/** The turn that a message gets which can't leave now; `null` if it can. */
export function turnOf(model: Model, page: string): Reservation | null {
  const { now } = model;
  for (const { of, left, turns, pace } of measuresOf(model, page)) {
    const earliest = Math.max(now, nextOf(left, pace, now).slot - HEAD_MS);
    if (earliest > now) {
      return { of: of === 'fleet' ? 'turnsOfFleet' : 'turns', ...nextOf(turns, { ...pace, burst: 1 }, earliest) };
    }
  }
  return null;
}

/** What a message reserves that leaves. */
export function leave(model: Model, page: string): Reservation[] {
  return measuresOf(model, page).map(({ of, left, pace }) => {
    const { slot, arrival } = nextOf(left, pace, model.now);
    return { of: of === 'fleet' ? 'leftOfFleet' : 'left', slot, arrival };
  });
}

function nextOf(arrival: Arrival, pace: Pace, from: number): Omit<Reservation, 'of'> {
  const isSame = arrival.pace?.intervalMs === pace.intervalMs && arrival.pace.burst === pace.burst;
  // What another limit has reserved ahead counts for one message.
  const at = Math.min(Math.max(arrival.at, from), isSame ? Infinity : from + pace.intervalMs);
  const slot = Math.max(from, at - (pace.burst - 1) * pace.intervalMs);
  // As exact as it is kept in Redis.
  return { slot, arrival: { at: Number((at + pace.intervalMs).toFixed(3)), pace } };
}

export function noteReserved(model: Model, page: string, reserved: readonly Reservation[]): void {
  const record = recordOf(model, page);
  for (const { of, slot, arrival } of reserved) {
    if (of === 'leftOfFleet') model.left = arrival;
    else if (of === 'turnsOfFleet') model.turns = arrival;
    else record[of] = arrival;
    if (of === 'granted') record.slots.push(slot);
  }
}

/** The page's own limit doesn't bound what a fleet puts off whose limit the page doesn't know. */
export function noteSent(model: Model, message: Message, reserved: readonly Reservation[]): void {
  const { pageLimit, intervalMs } = model.fleet;
  const hasFleetSlot = isDue(model, message.fleetSlot);
  const isOfOldLimit = !hasFleetSlot && reserved.length === 0 && (message.pageSlot ?? 0) <= model.limitSince;
  if (pageLimit === null || isOfOldLimit || (hasFleetSlot && intervalMs === 0)) return;
  recordOf(model, message.page).sentAt.push(model.now);
}

/** Another limit counts from now on. Pages without a share keep what they have reserved. */
export function forgetPace(model: Model): void {
  Object.assign(model, { left: NEVER, turns: NEVER });
  for (const [page, { granted, leaving, left, turns }] of model.paces) {
    const record = newRecord();
    if (!model.seen.pages.includes(page)) Object.assign(record, { granted, leaving, left, turns });
    model.paces.set(page, record);
  }
  model.limitSince = model.now;
}

/** How many heads of a page may wait for a slot at once. */
export function maxSlots({ fleet }: Pick<Model, 'fleet'>, pages: number): number {
  const intervalMs = Math.max(fleet.pageLimit?.intervalMs ?? 0, fleet.intervalMs * Math.max(1, pages));
  return intervalMs === 0 ? Infinity : Math.max(1, Math.ceil(AHEAD_MS / intervalMs));
}

/** Whatever came when, no more was granted and sent than the limit allows. Returns what is wrong. */
export function paceProblems({ fleet, paces }: Model): string[] {
  const { pageLimit } = fleet;
  if (!pageLimit) return [];
  const granted = [...paces].filter(([, { slots }]) => !isWithin(slots, pageLimit, 0));
  const leavingPace = { ...pageLimit, intervalMs: FASTER * pageLimit.intervalMs };
  const sent = [...paces].filter(
    ([, { sentAt }]) => !isWithin(sentAt, pageLimit, LATE_MS) || !isWithin(sentAt, leavingPace, HEAD_MS),
  );
  return [
    ...granted.map(([page, { slots }]) => `${page} was granted ${slots.join()}`),
    ...sent.map(([page, { sentAt }]) => `${page} has sent at ${sentAt.join()}`),
  ];
}

/** Of times in their order only the last can be new. */
function isWithin(times: readonly number[], { intervalMs, burst }: Pace, lateMs: number): boolean {
  const last = times.at(-1) ?? 0;
  return times.every((time, n) => last - time + lateMs >= (times.length - 1 - n - (burst - 1)) * intervalMs);
}
