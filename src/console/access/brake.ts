import { setTimeout as delay } from 'node:timers/promises';

/** Slows down guessing a token. */
export interface Brake {
  /** Whether too many wrong guesses wait for their answers to check another one. */
  isFull(): boolean;
  /** Waits before a wrong guess is answered. */
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
