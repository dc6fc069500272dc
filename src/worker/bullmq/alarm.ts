import { MAX_TIMER_MS } from '../../shared/model/time.ts';

/** Tells a worker when to look for messages without a call from Redis: at its slots, and when waits that it knows of are over. */
export interface Alarm {
  /** The worker has undertaken to look after this time; no other worker does. */
  woken(inMs: number): void;
  /** The worker knows that something is due after this time. */
  due(inMs: number): void;
  /** Sets the timer to the time that comes first. @param slotInMs ms until the worker's next slot */
  set(slotInMs: number): void;
  /** Returns why the worker looks now, and forgets the times that have passed. */
  takeReason(): 'woken' | 'due' | '';
  /** Waits until the alarm rings, or Redis calls. @param listen resolves to whether Redis called */
  wait(listen: (() => Promise<boolean>) | null): Promise<void>;
  ring(): void;
  /** Ends the timer, which would keep a program alive that has closed its worker. */
  stop(): void;
}

const GRID_MS = 20;
/** The most due times that are kept; the leader brings back the rest, a little later. */
const MOST_DUE = 500;

export interface AlarmDeps {
  /** A time has come, but nothing waits for the alarm. */
  onTime(): void;
  /** Redis has called, but nothing waits for the call any more: it must go to another worker. */
  passOn(): void;
}

export function createAlarm({ onTime, passOn }: AlarmDeps): Alarm {
  let wokenAt = Infinity;
  let dueAts: number[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let awaiting: (() => void) | null = null;
  /** The blocking call to Redis; it may outlast the `wait` that started it. */
  let listening: Promise<void> | null = null;

  function ring(): void {
    const resolve = awaiting;
    awaiting = null;
    resolve?.();
  }

  function listenOnce(listen: () => Promise<boolean>): void {
    listening ??= listen()
      .then((isCall) => {
        if (isCall && awaiting === null) passOn();
      })
      // BullMQ reports errors of the connection.
      .catch(() => {})
      .finally(() => {
        listening = null;
        ring();
      });
  }

  function ringAt(at: number): void {
    const inMs = Math.max(0, Math.ceil(at - performance.now()));
    timer = setTimeout(
      () => {
        // Timers fire up to a millisecond early, when the slot is not due yet.
        if (performance.now() < at) ringAt(at);
        else if (awaiting) ring();
        else onTime();
      },
      Math.min(MAX_TIMER_MS, inMs),
    );
  }

  return {
    woken(inMs) {
      wokenAt = performance.now() + inMs;
    },
    due(inMs) {
      // Times that are close together become one.
      const at = Math.ceil((performance.now() + inMs) / GRID_MS) * GRID_MS;
      if (dueAts.includes(at) || dueAts.length >= MOST_DUE) return;
      dueAts.push(at);
      dueAts.sort((one, other) => one - other);
    },
    set(slotInMs) {
      clearTimeout(timer);
      // A settlement may have used up the last slot without taking anything: then the loop that waits must listen to Redis again.
      if (slotInMs === Infinity && listening === null) ring();
      const at = Math.min(performance.now() + slotInMs, wokenAt, dueAts[0] ?? Infinity);
      if (at < Infinity && !isStopped) ringAt(at);
    },
    takeReason() {
      const now = performance.now();
      const isWoken = wokenAt <= now;
      const isDue = (dueAts[0] ?? Infinity) <= now;
      if (isWoken) wokenAt = Infinity;
      if (isDue) dueAts = dueAts.filter((at) => at > now);
      if (isWoken) return 'woken';
      return isDue ? 'due' : '';
    },
    async wait(listen) {
      const rung = new Promise<void>((resolve) => {
        awaiting = resolve;
      });
      if (listen) listenOnce(listen);
      await rung;
    },
    ring,
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
