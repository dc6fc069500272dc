import { setTimeout as delay } from 'node:timers/promises';

/** Slows down guessing a token, for each client by itself. */
export interface Brake {
  /** Whether a client has sent so many wrong tokens in the last seconds that none of its tokens are compared now. */
  isFull(client: string): boolean;
  /** Counts a wrong token, and waits before it is answered. */
  afterFailure(client: string): Promise<void>;
}

const WAIT_MS = 1000;
/** Longer than a console under load takes to read `MAX_GUESSES`. */
export const COUNTED_MS = 5000;
/**
 * More than clients that wait for their answers can send, so that a right token gets in beside wrong ones from the same address;
 * far too few to guess a token of 16 random characters.
 */
const MAX_GUESSES = 1000;

export function createBrake(): Brake {
  const guesses = new Map<string, number>();
  const count = (client: string, change: number): void => {
    const now = (guesses.get(client) ?? 0) + change;
    if (now === 0) guesses.delete(client);
    else guesses.set(client, now);
  };
  return {
    isFull: (client) => (guesses.get(client) ?? 0) >= MAX_GUESSES,
    async afterFailure(client) {
      count(client, 1);
      setTimeout(count, COUNTED_MS, client, -1).unref();
      await delay(WAIT_MS, undefined, { ref: false });
    },
  };
}
