import * as z from 'zod';

/** The longest name of an operator. */
export const MAX_OPERATOR_NAME = 128;

/** What an operator found out about a message that became a dead letter with an unknown outcome. */
export interface LetterResolution {
  outcome: 'not-delivered';
  /** Who says so. */
  proof: 'operator';
  /** The name of the operator; `null` if none was given. */
  by: string | null;
  /** ISO time by Redis's clock. */
  at: string;
}

// Lazy, because a process that only stores messages never reads one.
const resolutionSchema = z.lazy(() =>
  z.object({
    outcome: z.literal('not-delivered'),
    proof: z.literal('operator'),
    by: z
      .string()
      .max(2 * MAX_OPERATOR_NAME)
      .nullable(),
    at: z.iso.datetime(),
  }),
);

/** Reads a resolution from Redis. What is none counts as missing, because others can write there: the outcome stays unknown. */
export function parseResolution(stored: unknown): LetterResolution | undefined {
  return resolutionSchema.safeParse(stored).data;
}
