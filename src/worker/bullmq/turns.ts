import type { Leave } from '../fleet/fleet-view.ts';
import type { TakenHere } from '../message/attempt.ts';
import { randomBytes } from 'node:crypto';
import { setImmediate as atEndOfTurn, setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import {
  type AttemptToSettle,
  callTurn,
  type SettleResult,
  type TurnAnswer,
  wakeAnother,
} from '../../shared/lanes/messages/turn.ts';
import type { Shard } from '../../shared/lanes/shard.ts';
import { createAlarm } from './alarm.ts';
import { createSlots } from './slots.ts';

export interface TurnsDeps {
  shard: Shard;
  lockMs: number;
  /** What the names of this worker's attempts begin with. */
  name: string;
  /** How many messages it may have. */
  places(): number;
  /** As far as this worker knows. */
  leave(): Leave;
  /** Asks the fleet whether a probe may leave. */
  askToProbe(): Promise<Leave>;
  giveUpProbe(): Promise<void>;
  logger: Logger;
}

/** What a worker says to one shard: all of one turn of the event loop in one call. */
export interface Turns {
  /** The token of its locks. */
  token: string;
  /** The next message, if one may go. */
  take(): Promise<TakenHere | undefined>;
  /**
   * Settles a message, however long Redis does not take it: what the API did must not be forgotten.
   *
   * @param wantsNext whether another message may come with the answer
   */
  settle(ended: AttemptToSettle, wantsNext: boolean): Promise<{ result: SettleResult; next: TakenHere | undefined }>;
  /** Waits until there may be a message to take. @param listen waits for Redis to say so */
  untilWork(listen: () => Promise<boolean>): Promise<void>;
  /**
   * Our own code failed on a message. Its attempt stays open: whether it was sent is found out as for a worker that died, when its
   * lock has ended.
   */
  abandon(): void;
  /** Whoever waits for work goes on at once. */
  stopWaiting(): void;
  /** Takes no more, and gives back what was taken and not begun. */
  close(): Promise<void>;
  /** Whether there were more messages than it had places for when it last looked. */
  isFull(): boolean;
}

interface Settling {
  ended: AttemptToSettle;
  resolve(result: SettleResult): void;
}

/** What runs in Redis at once must not keep others waiting. */
const MOST_AT_ONCE = 50;
const ASK_AGAIN_MS = 500;
/** What was delivered waits so long at most for a slot, to be told in the same call. */
const LONGEST_RIDE_MS = 50;
/** Nobody may have been there to take at the slot. */
const AFTER_SLOT_MS = 3;

export function createTurns(deps: TurnsDeps): Turns {
  const { shard, lockMs, logger } = deps;
  const token = randomBytes(12).toString('base64url');
  const slots = createSlots();
  let settling: Settling[] = [];
  let asking: ((taken: TakenHere | undefined) => void)[] = [];
  const buffered: TakenHere[] = [];
  /** Messages that were taken and are not settled yet, and places for which Redis is being asked. */
  let out = 0;
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

  /** Under a limit nothing can follow a message before the next slot: its end is told in the call that takes then, or right after. */
  function scheduleSettlement({ settlement }: AttemptToSettle): void {
    const inMs = slots.nextInMs();
    if (settlement.kind !== 'delivered' || isClosing || inMs > LONGEST_RIDE_MS) schedule();
    else riding ??= setTimeout(schedule, Math.ceil(inMs) + AFTER_SLOT_MS);
  }

  /** One call, or none if there is nothing to say. @returns how many messages it brought. */
  async function speak(isProbe = false): Promise<number> {
    clearTimeout(riding);
    riding = undefined;
    const settlements = settling.slice(0, MOST_AT_ONCE);
    settling = settling.slice(MOST_AT_ONCE);
    if (settling.length > 0) schedule();
    const waiting = asking;
    asking = [];
    out -= settlements.length;
    const free = Math.max(0, deps.places() - out - asked);
    const mayTake = !isClosing && (isProbe || deps.leave() === 'go');
    const dueSlots = mayTake ? slots.takeDue(free) : 0;
    // Whoever has slots that lie ahead takes at those.
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
    const taken = answer?.taken.map((one) => Object.assign(one, { takenAt, isProbe })) ?? [];
    if (answer) hear(answer, settlements, places);
    out += taken.length;
    // So late no request could end under its lock.
    const isLate = performance.now() - takenAt > lockMs / 2;
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

  /** @returns `null` if Redis did not take it; then the settlements are said again later. */
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
      });
    } catch (error) {
      logger.error(
        { err: error, settlements: settlements.length },
        'Redis did not take what the worker said; it says it again',
      );
      // Nobody is answered before: whoever asks again at once would ask without a pause.
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
        logger.error({ err: result, id: ended.id }, 'Redis refused the end of an attempt; it is told again');
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
    for (const id of answer.foreign) {
      logger.warn({ id }, 'a job in the send queue is no message of ours; it is removed');
    }
    for (const { id, error } of answer.refused) logger.error({ err: error, id }, 'Redis refused to hand out a message');
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
    // There may be nothing to send: another one may leave.
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

  /** Nothing was tried of them. Where a dead worker had begun, its attempt stays open: what it was is found out once more. */
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
      // Under a limit a message is taken at its slot, not when another one ends.
      const mayFollow = wantsNext && (!isLimited || slots.nextInMs() === 0);
      const next = mayFollow ? ask() : undefined;
      return { result: await settle(ended), next: await next };
    },
    async untilWork(listen) {
      if (buffered.length > 0) return;
      const leave = deps.leave();
      if (leave !== 'go') alarm.due(leave === 'probe' ? 0 : leave.waitMs);
      setAlarm();
      // A worker that may take nothing hears nothing: it would keep the call from others.
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
    },
    isFull: () => isFull,
  };
}
