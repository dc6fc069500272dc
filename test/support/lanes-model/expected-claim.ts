import type { Claim, FleetWord } from '../../../src/shared/lanes/claim.ts';
import { disturb } from './disturbed.ts';
import { isHeld } from './holds.ts';
import { endWait, hasEnded, headOf, type Message, type Model, windowSize, type Work, type Worker } from './model.ts';
import { isDue, leave, noteReserved, noteSent, type Reservation, reserve, turnOf } from './pace.ts';

const MAX_STARTS = 5;

/** What the claim must answer, and what follows from it. */
export interface ExpectedClaim {
  verdict: Claim['verdict'];
  /** For `wait`. */
  untilMs?: number;
  /** For a wait that begins with this claim. */
  putOff?: 'hold' | 'slot';
  reserved?: Reservation[];
  pageSlot?: number | null;
  fleetSlot?: number;
}

export function expectedClaim(model: Model, { token }: Worker, work: Work, word: FleetWord): ExpectedClaim {
  const { seen, now } = model;
  const { message, attempt } = work;
  if (model.locks.get(message.id) !== token) return { verdict: 'lost' };
  if (hasEnded(message)) return { verdict: 'settled' };
  if (headOf(seen, message.lane) !== message.id) return { verdict: 'parked' };
  if (message.open === attempt) return { verdict: 'go' };
  if (message.starts >= MAX_STARTS) return { verdict: 'crashed' };
  if (message.open !== '') return { verdict: 'unknown' };
  if (now >= message.expiresAt) return { verdict: 'expired' };
  if (isHeld(model, message.lane)) return { verdict: 'parked' };
  if (message.nextAt !== null && message.nextAt > now) return { verdict: 'wait', untilMs: message.nextAt };
  const window = Object.keys(seen.window[message.page] ?? {});
  const room = windowSize(model, seen.pages.length) - window.length;
  return window.includes(message.id) || room > 0 ? expectedPace(model, message, word) : { verdict: 'parked' };
}

/** When the message may be sent, as far as holds that end by themselves and limits are concerned. */
function expectedPace(model: Model, message: Message, word: FleetWord): ExpectedClaim {
  const { now, fleet, timed } = model;
  const wait = (untilMs: number): Pick<ExpectedClaim, 'verdict' | 'untilMs'> => ({
    verdict: 'wait',
    untilMs: Math.min(Math.ceil(untilMs), message.expiresAt),
  });
  const heldUntil = Math.max(timed.get(message.page) ?? 0, word.verdict === 'hold' ? now + word.delayMs : 0);
  if (heldUntil > now) return { ...wait(heldUntil), putOff: 'hold' };

  const hasFleetSlot = isDue(model, message.fleetSlot);
  const needsSlot = fleet.pageLimit !== null && !hasFleetSlot && !isDue(model, message.pageSlot);
  const reserved = needsSlot ? [reserve(model, message.page, 'granted', { from: now })] : [];
  const waitFor = (slot: number) => ({ ...wait(slot), reserved, putOff: 'slot' as const });
  const [granted] = reserved;
  if (granted && granted.slot > now) return { ...waitFor(granted.slot), pageSlot: granted.slot };
  const pageSlot = granted ? now : message.pageSlot;
  const mustAsk = word.verdict === 'probe' || (word.verdict === 'ask' && !hasFleetSlot);
  if (mustAsk) return { verdict: 'ask', reserved, pageSlot };

  // As planned, not as late as it may be.
  const time = word.verdict === 'slot' ? now + word.delayMs : (pageSlot ?? now);
  if (word.verdict !== 'ask' && fleet.pageLimit && fleet.intervalMs > 0 && !hasFleetSlot) {
    const leaving = reserve(model, message.page, 'leaving', { from: time });
    if (leaving.slot > time) {
      const later = reserve(model, message.page, 'granted', { from: leaving.slot, before: reserved });
      reserved.push(later);
      return { ...waitFor(later.slot), pageSlot: later.slot };
    }
    reserved.push(leaving);
  }
  if (word.verdict === 'slot') return { ...waitFor(time), fleetSlot: time };
  const turn = turnOf(model, message.page);
  if (turn === null) return { verdict: 'go', reserved: [...reserved, ...leave(model, message.page)] };
  reserved.push(turn);
  const keepsFleetSlot = fleet.intervalMs > 0 || pageSlot === null;
  const slots = keepsFleetSlot ? { fleetSlot: hasFleetSlot ? (message.fleetSlot ?? now) : now } : { pageSlot };
  return { ...waitFor(turn.slot), ...slots };
}

/** What follows from the answer of a claim. Returns whether heads of the page may go on. */
export function applyClaim(model: Model, { message, attempt }: Work, expected: ExpectedClaim): boolean {
  const { verdict, untilMs = null, putOff, reserved = [] } = expected;
  // What is too old to be sent gets no place any more: it ends.
  if (message.promoted && verdict !== 'lost' && verdict !== 'expired') {
    message.promoted = false;
    // Its conversation may be ready as well, until its turn there comes.
    disturb(model, message);
  }
  noteReserved(model, message.page, reserved);
  if (verdict === 'parked') {
    model.locks.delete(message.id);
    if (headOf(model.seen, message.lane) !== message.id) return false;
    endWait(message);
    return model.holds.has(message.lane);
  }
  if (verdict === 'ask') {
    if (message.putOff === 'backoff') message.putOff = null;
    message.pageSlot = expected.pageSlot ?? null;
  }
  if (putOff) {
    endWait(message);
    Object.assign(message, {
      putOff,
      nextAt: untilMs,
      pageSlot: expected.pageSlot ?? null,
      fleetSlot: expected.fleetSlot ?? null,
    });
  }
  if (verdict !== 'go' || message.open === attempt) return false;
  noteSent(model, message, reserved);
  const hadSlot = message.putOff === 'slot';
  endWait(message);
  message.open = attempt;
  message.starts += 1;
  return hadSlot;
}
