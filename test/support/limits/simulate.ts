import type { Claim } from '../../../src/shared/lanes/claim.ts';
import { delivered, type Lanes, type Taken } from '../lanes.ts';
import type { SimulatedTime } from './simulated-time.ts';

/** A message that an app stores, so long after the start. */
export interface Arrival {
  afterMs: number;
  page: string;
  conversation: string;
}

/** A message that may be sent. */
export interface Go extends Omit<Arrival, 'afterMs'> {
  /** Which of the arrivals this is. */
  nth: number;
  atMs: number;
  /** How often it was put off before. */
  putOffs: number;
}

export interface Conditions {
  lanes: Lanes;
  time: SimulatedTime;
  claim(taken: Taken): Promise<Claim>;
  /** How long a request takes. */
  sendMs(nth: number): number;
  /** When a message really comes back that was put off until `dueMs`. */
  comesBackAt(dueMs: number): number;
}

type Message = Omit<Go, 'atMs'>;

/** Nobody waits for so many events. */
const MANY_EVENTS = 5000;

/** Lets messages come and go as an app, BullMQ and its workers would, in simulated time. @returns who was sent, in order. */
export async function simulate(arrivals: readonly Arrival[], conditions: Conditions): Promise<Go[]> {
  const { lanes, time, claim, sendMs, comesBackAt } = conditions;
  const start = time.nowMs();
  const messages = new Map<string, Message>();
  const goes: Go[] = [];
  const events: { atMs: number; run(): Promise<void> }[] = [];
  const plan = (atMs: number, run: () => Promise<void>): void => void events.push({ atMs, run });

  const settle = async (taken: Taken): Promise<void> => {
    const { verdict } = await lanes.settle(taken, taken.token, delivered);
    if (verdict !== 'done') throw new Error(`settling answers ${verdict}`);
  };

  async function work(taken: Taken, message: Message): Promise<void> {
    const answer = await claim(taken);
    if (answer.verdict === 'go') {
      goes.push({ ...message, atMs: time.nowMs() });
      const doneMs = sendMs(message.nth);
      if (doneMs === 0) await settle(taken);
      else plan(time.nowMs() + doneMs, async () => await settle(taken));
    } else if (answer.verdict === 'wait') {
      message.putOffs += 1;
      await lanes.putOff(taken);
      plan(comesBackAt(time.nowMs() + answer.delayMs), async () => await lanes.comeBack(taken.id));
    } else if (answer.verdict !== 'parked') {
      throw new Error(`the claim of message ${message.nth} answers ${answer.verdict}`);
    }
  }

  const inTime = arrivals.toSorted((a, b) => a.afterMs - b.afterMs);
  for (const [nth, { afterMs, page, conversation }] of inTime.entries()) {
    plan(start + afterMs, async () => {
      const id = await lanes.store({ page, conversation, ttlMs: 1e12 });
      messages.set(id, { nth, page, conversation, putOffs: 0 });
    });
  }
  for (let n = 0; events.length > 0; n += 1) {
    if (n > MANY_EVENTS) throw new Error(`after ${n} events only ${goes.length} messages have gone`);
    const atMs = Math.min(...events.map((event) => event.atMs));
    const next = events.splice(
      events.findIndex((event) => event.atMs === atMs),
      1,
    );
    await time.goTo(atMs);
    await next[0]?.run();
    if (events.some((event) => event.atMs === atMs)) continue;
    for (let taken = await lanes.take(); taken; taken = await lanes.take()) {
      const message = messages.get(taken.id);
      if (!message) throw new Error(`nobody stored ${taken.id}`);
      await work(taken, message);
    }
  }
  if (goes.length < arrivals.length) throw new Error(`only ${goes.length} of ${arrivals.length} messages went`);
  return goes;
}
