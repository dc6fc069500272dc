import { z } from 'zod';

/** The longest timer in Node, which treats a longer one as 1 ms. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** A number from `min` to `max`. */
export function numberFrom(min: number, max: number): z.ZodNumber {
  return z
    .number({ error: ({ input }) => (input === undefined ? 'is required' : 'must be a number') })
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`);
}

/** A whole number from `min` to `max`. */
export function intFrom(min: number, max = Number.MAX_SAFE_INTEGER): z.ZodNumber {
  return numberFrom(min, max).refine(Number.isSafeInteger, 'must be a whole number');
}
