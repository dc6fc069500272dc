/** When a worker looks for messages without being called: at its slots, and when waits are over that it knows of. */
export interface Alarm {
  /** It has said that it will look in so many ms; nobody else does. */
  woken(inMs: number): void;
  /** It knows that something is due in so many ms. */
  due(inMs: number): void;
  /** @param slotInMs when its next slot is due */
  set(slotInMs: number): void;
  /** Why it looks now, of what is over. */
  takeReason(): 'woken' | 'due' | '';
  /** Waits until the alarm rings, or Redis calls. @param listen resolves to whether it called */
  wait(listen: (() => Promise<boolean>) | null): Promise<void>;
  ring(): void;
}

/** Far below what `setTimeout` can wait. */
const LONGEST_TIMER_MS = 3_600_000;
const GRID_MS = 20;
/** Of more than that the leader takes care, a little later. */
const MOST_DUE = 500;

export interface AlarmDeps {
  /** A time has come, and nobody waits for it. */
  onTime(): void;
  /** Redis has called, and nobody waits for it any more: another worker is to hear it. */
  passOn(): void;
}

export function createAlarm({ onTime, passOn }: AlarmDeps): Alarm {
  let wokenAt = Infinity;
  let dueAts: number[] = [];
  let timer: NodeJS.Timeout | undefined;
  let awaiting: (() => void) | null = null;
  /** A call that waits in Redis, perhaps longer than whoever wanted to hear it. */
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
      // BullMQ tells of the connection.
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
        // Timers come up to a millisecond early: looked at then, a slot would not be due.
        if (performance.now() < at) ringAt(at);
        else if (awaiting) ring();
        else onTime();
      },
      Math.min(LONGEST_TIMER_MS, inMs),
    );
  }

  return {
    woken(inMs) {
      wokenAt = performance.now() + inMs;
    },
    due(inMs) {
      // Together with what is due at nearly the same time.
      const at = Math.ceil((performance.now() + inMs) / GRID_MS) * GRID_MS;
      if (dueAts.includes(at) || dueAts.length >= MOST_DUE) return;
      dueAts.push(at);
      dueAts.sort((one, other) => one - other);
    },
    set(slotInMs) {
      clearTimeout(timer);
      // A settlement may have used the last slot up and found nothing to take: whoever waits for it has to hear Redis again.
      if (slotInMs === Infinity && listening === null) ring();
      const at = Math.min(performance.now() + slotInMs, wokenAt, dueAts[0] ?? Infinity);
      if (at < Infinity) ringAt(at);
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
  };
}
