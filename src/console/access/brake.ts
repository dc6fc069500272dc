import { setTimeout as delay } from 'node:timers/promises';

/** Makes guessing a token slow. */
export interface Brake {
  /** Whether so many guesses are waiting for their answers that no other is looked at. */
  isFull(): boolean;
  /** Every wrong guess waits before it is answered. */
  afterFailure(): Promise<void>;
}

const WAIT_MS = 1000;
const MAX_WAITING = 10;

export function createBrake(waitMs = WAIT_MS): Brake {
  let waiting = 0;
  return {
    isFull: () => waiting >= MAX_WAITING,
    async afterFailure() {
      waiting += 1;
      await delay(waitMs, undefined, { ref: false });
      waiting -= 1;
    },
  };
}
