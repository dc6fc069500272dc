import * as z from 'zod';
import { fields } from '../../shared/validation/issues.ts';
import { intFrom, numberFrom } from './bounded-number.ts';
import { MAX_TIMER_MS } from '../../shared/model/time.ts';
import type { Fault } from './faults.ts';
import { parseOptions } from './parse-options.ts';

const delayMs = numberFrom(0, MAX_TIMER_MS);

const matchSchema = fields({
  pageId: z.string().optional(),
  conversationId: z.string().optional(),
  textIncludes: z.string().optional(),
  type: z.enum(['text', 'image', 'video', 'audio', 'document', 'template']).optional(),
  nth: intFrom(1).optional(),
});

const condition = {
  match: matchSchema.optional(),
  rate: numberFrom(0, 1).optional(),
  times: intFrom(1).optional(),
};

const faultSchema = z.discriminatedUnion('kind', [
  fields({
    kind: z.literal('status'),
    status: intFrom(200, 599),
    body: z.unknown().optional(),
    retryAfter: z
      .union([z.string().regex(/^[\x20-\x7e]+$/), z.number().min(0)], 'must be seconds or an HTTP date')
      .optional(),
    accept: z.boolean('must be true or false').optional(),
    ...condition,
  }),
  fields({ kind: z.literal('latency'), ms: delayMs, ...condition }),
  fields({ kind: z.literal('hang'), accept: z.boolean('must be true or false').optional(), ...condition }),
  fields({ kind: z.literal('reset'), when: z.enum(['before', 'after']), ...condition }),
  fields({ kind: z.literal('success-false'), ...condition }),
  fields({
    kind: z.literal('redirect'),
    location: z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'must be a URL or a path')
      .optional(),
    ...condition,
  }),
  fields({ kind: z.literal('slow-body'), ms: delayMs, ...condition }),
  fields({ kind: z.literal('broken-body'), ...condition }),
  fields({ kind: z.literal('huge-body'), bytes: intFrom(1), ...condition }),
  fields({ kind: z.literal('garbage'), accept: z.boolean('must be true or false').optional(), ...condition }),
]);

export const faultsSchema: z.ZodType<Fault[]> = z.array(faultSchema);

/**
 * Checks a list of faults from a caller or from JSON.
 *
 * @throws ConfigError naming every problem with its place, such as `faults[0].rate`.
 */
export function parseFaults(input: unknown): Fault[] {
  return parseOptions(z.object({ faults: faultsSchema }), { faults: input }).faults;
}
