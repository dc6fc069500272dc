import type { AttemptToSettle, Taken } from '../../../src/shared/lanes/messages/settle-and-take.ts';
import { createSlots } from '../../../src/worker/bullmq/slots.ts';
import type { Lanes } from '../lanes.ts';
import { ended } from '../settlements.ts';

/** The part of a worker that concerns limits: `createTurns` under BullMQ, in simulated time. */
export interface SimulatedWorker {
  start(): Promise<void>;
  /** The order in which the worker began to wait for Redis's marker; `null` if it doesn't wait. */
  listensSince(): number | null;
  /** Called when Redis wakes the worker. */
  called(): void;
}

export interface SimulatedWorkerDeps {
  lanes: Lanes;
  /** The worker's own clock. */
  nowMs(): number;
  /** Runs something at this time, or later if the worker is late. */
  plan(atMs: number, run: () => Promise<void>): void;
  places: number;
  sendMs(taken: Taken): number;
  /** Passes Redis's wake-up on to another worker. */
  passOn(): Promise<void>;
}

/** The maximum number of messages that one call takes. */
const MOST_AT_ONCE = 50;
let listenings = 0;

export function createSimulatedWorker({
  lanes,
  nowMs,
  plan,
  places,
  sendMs,
  passOn,
}: SimulatedWorkerDeps): SimulatedWorker {
  const slots = createSlots(nowMs);
  let out = 0;
  let wokenAt = Infinity;
  let alarms = 0;
  let isLimited = false;
  /** The worker's loop asks no more until something happens. */
  let isWaiting = false;
  let listensSince: number | null = null;

  function takeReason(): 'woken' | '' {
    if (wokenAt > nowMs()) return '';
    wokenAt = Infinity;
    return 'woken';
  }

  function setAlarm(): void {
    const nth = (alarms += 1);
    const atMs = Math.min(nowMs() + slots.nextInMs(), wokenAt);
    if (atMs === Infinity) return;
    plan(Math.max(nowMs(), Math.ceil(atMs)), async () => {
      if (nth !== alarms) return;
      if (isWaiting) await ask();
      else await speak([], false);
    });
  }

  /** @returns the number of messages that the call returned. */
  async function speak(settlements: readonly AttemptToSettle[], isAsking: boolean): Promise<number> {
    out -= settlements.length;
    const free = places - out;
    const dueSlots = slots.takeDue(free);
    const takes = dueSlots > 0 || (isAsking && slots.count() === 0);
    const wanted = takes ? Math.min(MOST_AT_ONCE, free) : 0;
    const look = takeReason();
    if (settlements.length === 0 && wanted === 0 && look === '') {
      setAlarm();
      return 0;
    }
    const answer = await lanes.turn({ settlements, places: wanted, dueSlots, laterSlots: slots.count(), look });
    for (const result of answer.settled) {
      if (result instanceof Error || result.verdict !== 'done') {
        throw new Error('it was not settled', { cause: result });
      }
    }
    if (answer.limit) slots.add(answer.slotsMs, answer.limit);
    if (wanted > 0) {
      isLimited = answer.limit !== null;
      if (answer.lookAgainMs !== null) wokenAt = nowMs() + answer.lookAgainMs;
    }
    out += answer.taken.length;
    for (const taken of answer.taken) begin(taken);
    setAlarm();
    const isDeaf = isWaiting && listensSince === null;
    if (isDeaf && slots.count() === 0) plan(nowMs(), ask);
    return answer.taken.length;
  }

  function begin(taken: Taken): void {
    if (taken.verdict !== 'go') throw new Error(`${taken.id} is ${taken.verdict}`);
    plan(nowMs() + sendMs(taken), async () => {
      await speak([ended(taken)], !isLimited || slots.nextInMs() === 0);
      if (!isWaiting) await ask();
    });
  }

  /** Asks, as BullMQ does, until there is no free place or no message. */
  async function ask(): Promise<void> {
    isWaiting = false;
    while (out < places) {
      if ((await speak([], true)) > 0) continue;
      isWaiting = true;
      if (slots.count() === 0) listensSince ??= listenings += 1;
      return;
    }
  }

  return {
    start: ask,
    listensSince: () => listensSince,
    called() {
      listensSince = null;
      plan(nowMs(), async () => {
        if (isWaiting) await ask();
        else await passOn();
      });
    },
  };
}
