import type { Message, Model } from './model.ts';

/** A slot that was missed by more than this is gone. */
const LATE_MS = 1000;
/** Slots are reserved so far ahead. */
const AHEAD_MS = 2000;

/** How fast a page may send: at least so long between two, after the first `burst`. */
export interface Pace {
  intervalMs: number;
  burst: number;
}

/** What was granted and sent on a page since its limit was set. */
export interface PageRecord {
  /** From when on the next one is late enough, and under which interval. */
  arrival: { at: number; intervalMs: number };
  slots: number[];
  sentAt: number[];
}

export interface Reservation {
  slot: number;
  arrivalAt: number;
}

const newRecord = (): PageRecord => ({ arrival: { at: 0, intervalMs: 0 }, slots: [], sentAt: [] });

function recordOf({ paces }: Model, page: string): PageRecord {
  const record = paces.get(page) ?? newRecord();
  paces.set(page, record);
  return record;
}

export function isDue({ now }: Model, slot: number | null): boolean {
  return slot !== null && slot <= now && now - slot <= LATE_MS;
}

/** The slot that a message gets which asks now. */
export function reserve(model: Model, page: string): Reservation {
  const { now } = model;
  const { intervalMs, burst } = model.fleet.pageLimit ?? { intervalMs: 0, burst: 1 };
  const { arrival } = recordOf(model, page);
  // What another limit has reserved ahead counts for one message.
  const latest = arrival.intervalMs === intervalMs ? Infinity : now + intervalMs;
  const at = Math.min(Math.max(arrival.at, now), latest);
  return { slot: Math.max(now, at - (burst - 1) * intervalMs), arrivalAt: at + intervalMs };
}

export function noteGrant(model: Model, page: string, { slot, arrivalAt }: Reservation): void {
  const record = recordOf(model, page);
  record.arrival = { at: arrivalAt, intervalMs: model.fleet.pageLimit?.intervalMs ?? 0 };
  record.slots.push(slot);
}

/** What the fleet has put off counts for the fleet's limit, and what an old limit has granted for that. */
export function noteSent(model: Model, message: Message, reservation: Reservation | undefined): void {
  const isOld = !reservation && (message.pageSlot ?? 0) <= model.limitSince;
  if (model.fleet.pageLimit === null || isDue(model, message.fleetSlot) || isOld) return;
  recordOf(model, message.page).sentAt.push(model.now);
}

/** Another limit counts from now on. Pages without a share keep what they have reserved. */
export function forgetPace(model: Model): void {
  for (const [page, { arrival }] of model.paces) {
    const record = newRecord();
    if (!model.seen.pages.includes(page)) record.arrival = arrival;
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
  const sent = [...paces].filter(([, { sentAt }]) => !isWithin(sentAt, pageLimit, LATE_MS));
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
