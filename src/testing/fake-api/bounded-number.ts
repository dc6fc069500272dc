import * as z from 'zod';

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
