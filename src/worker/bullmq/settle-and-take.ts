import type { EngineErrors } from '../fleet/engine-errors.ts';
import type { Leave } from '../fleet/fleet-view.ts';
import type { Whereabouts } from '../fleet/marks.ts';
import type { TakenHere } from '../message/attempt.ts';
import { randomBytes } from 'node:crypto';
import { setImmediate as atEndOfTurn, setTimeout as delay } from 'node:timers/promises';
import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import {
  type AttemptToSettle,
  callTurn,
  type SettleResult,
  type TurnAnswer,
  wakeAnother,
} from '../../shared/lanes/messages/settle-and-take.ts';
import type { Shard } from '../../shared/lanes/shard.ts';
import { createAlarm } from './alarm.ts';
import { createForeignJobsLog } from './foreign-jobs.ts';
import { createRamp, RAMP_STEP_MS } from './ramp.ts';
import { createSlots } from './slots.ts';

export interface TurnsDeps {
  shard: Shard;
  lockMs: number;
  /** Prefix of the names of this worker's attempts. */
  name: string;
  /** Number of messages that the worker may have at once. */
  places(): number;
  /** Whether messages may be taken, as far as this worker knows. */
  leave(): Leave;
  /** Asks the fleet whether a probe may leave. */
  askToProbe(): Promise<Leave>;
  giveUpProbe(): Promise<void>;
  whereabouts: Whereabouts;
  errors: EngineErrors;
  logger: WorkerLogger;
}

/** A worker's calls to one shard: one call for all settlements and takes of a turn of the event loop. */
export interface Turns {
  /** The token of the worker's locks. */
  token: string;
  /** Returns the next message, if one may leave. */
  take(): Promise<TakenHere | undefined>;
  /**
   * Settles a message. Repeats the call until Redis takes it, because the API's result must not be lost.
   *
   * @param wantsNext whether another message may come with the answer
   */
  settle(ended: AttemptToSettle, wantsNext: boolean): Promise<{ result: SettleResult; next: TakenHere | undefined }>;
  /** Waits until there may be a message to take. @param listen waits for a call from Redis */
  untilWork(listen: () => Promise<boolean>): Promise<void>;
  /**
   * Frees the place of a message on which our own code has failed. Its attempt stays open: when the lock has ended, the message is
   * handled like that of a worker that died.
   */
  abandon(): void;
  /** Ends `untilWork` at once. */
  stopWaiting(): void;
  /** Stops taking messages, and gives back those that were taken but not begun. */
  close(): Promise<void>;
  /** Whether all free places were filled when the worker last took messages. */
  isFull(): boolean;
}

interface Settling {
  ended: AttemptToSettle;
  resolve(result: SettleResult): void;
}

/** The most settlements, and the most messages to take, in one call: a long script keeps other clients waiting. */
const MOST_AT_ONCE = 50;
const ASK_AGAIN_MS = 500;
/** The longest that the settlement of a delivered message waits for the next slot, to save a call. */
const LONGEST_RIDE_MS = 50;
/** How long after the slot the settlement is sent by itself, if no take has sent it. */
const AFTER_SLOT_MS = 3;

export function createTurns(deps: TurnsDeps): Turns {
  const { shard, lockMs, errors, logger } = deps;
  const token = randomBytes(12).toString('base64url');
  const slots = createSlots();
  const logForeignJobs = createForeignJobsLog(logger);
  const ramp = createRamp();
  let settling: Settling[] = [];
  let asking: ((taken: TakenHere | undefined) => void)[] = [];
  const buffered: TakenHere[] = [];
  /** Number of messages that were taken and are not settled yet. */
  let out = 0;
  /** Number of places that the calls under way may fill. */
  let asked = 0;
  let calls = 0;
  let isScheduled = false;
  let isLimited = false;
  let isFull = false;
  let isClosing = false;
  let riding: NodeJS.Timeout | undefined;
  const underWay = new Set<Promise<number>>();
  const alarm = createAlarm({
    onTime: schedule,
    passOn: () => void wakeAnother(shard).catch(() => {}),
  });

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    const speaking = atEndOfTurn()
      .then(() => {
        isScheduled = false;
        return speak();
      })
      .finally(() => underWay.delete(speaking));
    underWay.add(speaking);
  }

  /** Under a limit no message can follow before the next slot, so a delivery is settled in the call that takes then, or right after. */
  function scheduleSettlement({ settlement }: AttemptToSettle): void {
    const inMs = slots.nextInMs();
    if (settlement.kind !== 'delivered' || isClosing || inMs > LONGEST_RIDE_MS) schedule();
    else riding ??= setTimeout(schedule, Math.ceil(inMs) + AFTER_SLOT_MS);
  }

  /** Makes one call, or none if nothing is to be settled or taken. @returns the number of messages that it brought. */
  async function speak(isProbe = false): Promise<number> {
    clearTimeout(riding);
    riding = undefined;
    const settlements = settling.slice(0, MOST_AT_ONCE);
    settling = settling.slice(MOST_AT_ONCE);
    if (settling.length > 0) schedule();
    const waiting = asking;
    asking = [];
    const allowed = ramp(deps.places(), out + asked);
    out -= settlements.length;
    const free = Math.max(0, allowed - out - asked);
    const mayTake = !isClosing && (isProbe || deps.leave() === 'go');
    const dueSlots = mayTake ? slots.takeDue(free) : 0;
    // A worker that has slots ahead takes messages only at those.
    const isAsking = waiting.length > 0 && mayTake && (dueSlots > 0 || slots.count() === 0);
    const places = isAsking || dueSlots > 0 ? Math.min(isProbe ? 1 : MOST_AT_ONCE, free) : 0;
    const look = alarm.takeReason();
    if (settlements.length === 0 && places === 0 && look === '') {
      for (const resolve of waiting) resolve(undefined);
      setAlarm();
      return 0;
    }
    asked += places;
    const takenAt = performance.now();
    const answer = await askRedis(settlements, { places, dueSlots, look, isProbe });
    asked -= places;
    const receivedAt = performance.now();
    const taken = answer?.taken.map((one) => Object.assign(one, { takenAt, receivedAt, isProbe })) ?? [];
    if (answer) hear(answer, settlements, places);
    if (isFull && allowed < deps.places()) alarm.due(RAMP_STEP_MS);
    out += taken.length;
    // If the answer came this late, a request could not end under its lock.
    const isLate = receivedAt - takenAt > lockMs / 2;
    const mayBegin = ({ verdict }: TakenHere): boolean => !isClosing && !(isLate && verdict === 'go');
    const begun = taken.filter(mayBegin);
    const unbegun = taken.filter((one) => !begun.includes(one));
    buffered.push(...begun);
    for (const resolve of waiting) resolve(buffered.shift());
    if (buffered.length > 0) alarm.ring();
    if (unbegun.length > 0) await giveBack(unbegun);
    setAlarm();
    return begun.length;
  }

  /** @returns `null` if the call failed; then its settlements are repeated later. */
  async function askRedis(
    settlements: readonly Settling[],
    wanted: { places: number; dueSlots: number; look: 'woken' | 'due' | ''; isProbe: boolean },
  ): Promise<TurnAnswer | null> {
    try {
      return await callTurn(shard, {
        ...wanted,
        token,
        lockMs,
        attemptPrefix: `${deps.name}.${(calls += 1).toString(36)}.`,
        settlements: settlements.map(({ ended }) => ended),
        laterSlots: slots.count(),
        position: deps.whereabouts.position(),
      });
    } catch (error) {
      errors.note(error, 'a call that settles and takes messages failed; the worker repeats it', {
        settlements: settlements.length,
      });
      // The callers get their answers only after this pause, or they would ask again at once.
      await delay(ASK_AGAIN_MS);
      out += settlements.length;
      settling.unshift(...settlements);
      if (settlements.length > 0) schedule();
      return null;
    }
  }

  function hear(answer: TurnAnswer, settlements: readonly Settling[], places: number): void {
    for (const [index, { ended, resolve }] of settlements.entries()) {
      const result = answer.settled[index];
      if (result instanceof Error || result === undefined) {
        errors.note(result, 'Redis refused a settlement; the worker repeats it', { id: ended.id });
        out += 1;
        setTimeout(() => {
          settling.push({ ended, resolve });
          schedule();
        }, ASK_AGAIN_MS).unref();
        continue;
      }
      if (result.verdict === 'done' && result.delayMs > 0) alarm.due(result.delayMs);
      resolve(result);
    }
    logForeignJobs(answer.foreign);
    for (const { id, error } of answer.refused) {
      errors.note(error, 'Redis refused to hand out a message; the worker goes on with others', { id });
    }
    if (answer.seen) deps.whereabouts.saw(answer.seen);
    if (answer.limit) slots.add(answer.slotsMs, answer.limit);
    if (places > 0) {
      if (answer.limit !== undefined) isLimited = answer.limit !== null;
      isFull = answer.taken.length >= places;
      if (answer.lookAgainMs !== null) alarm.woken(answer.lookAgainMs);
    }
  }

  function setAlarm(): void {
    alarm.set(slots.nextInMs());
  }

  async function probe(): Promise<TakenHere | undefined> {
    const leave = await deps.askToProbe();
    if (leave === 'go') return await ask();
    if (leave !== 'probe') {
      alarm.due(leave.waitMs);
      return undefined;
    }
    const probing = ask();
    // If there was nothing to send, another worker may probe.
    if ((await speak(true)) === 0) await deps.giveUpProbe();
    return await probing;
  }

  async function ask(): Promise<TakenHere | undefined> {
    const { promise, resolve } = Promise.withResolvers<TakenHere | undefined>();
    asking.push(resolve);
    schedule();
    return await promise;
  }

  async function settle(ended: AttemptToSettle): Promise<SettleResult> {
    const { promise, resolve } = Promise.withResolvers<SettleResult>();
    settling.push({ ended, resolve });
    scheduleSettlement(ended);
    return await promise;
  }

  /** Gives back messages that were not begun. If a dead worker had begun one, its attempt stays open, to be found again. */
  async function giveBack(unbegun: readonly TakenHere[]): Promise<void> {
    const own = unbegun.filter(({ verdict }) => verdict === 'go' || verdict === 'expired');
    out -= unbegun.length - own.length;
    const back = { record: null, survived: true, settlement: { kind: 'back' } } as const;
    await Promise.all(own.map(({ id, attempt }) => settle({ id, attempt, ...back })));
  }

  return {
    token,
    async take() {
      const ready = buffered.shift();
      if (ready) return ready;
      const leave = deps.leave();
      if (leave === 'go') return await ask();
      if (leave === 'probe') return await probe();
      alarm.due(leave.waitMs);
      return undefined;
    },
    async settle(ended, wantsNext) {
      // Under a limit messages are taken at slots, not when another message ends.
      const mayFollow = wantsNext && (!isLimited || slots.nextInMs() === 0);
      const next = mayFollow ? ask() : undefined;
      return { result: await settle(ended), next: await next };
    },
    async untilWork(listen) {
      if (buffered.length > 0) return;
      const leave = deps.leave();
      if (leave !== 'go') alarm.due(leave === 'probe' ? 0 : leave.waitMs);
      setAlarm();
      // A worker that may not take messages doesn't listen: the call would not reach a worker that may.
      await alarm.wait(slots.count() === 0 && leave === 'go' ? listen : null);
    },
    abandon() {
      out -= 1;
    },
    stopWaiting: alarm.ring,
    async close() {
      isClosing = true;
      if (settling.length > 0) schedule();
      await giveBack(buffered.splice(0));
      while (underWay.size > 0) await Promise.all(underWay);
      alarm.stop();
    },
    isFull: () => isFull,
  };
}
