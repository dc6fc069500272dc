import { z } from 'zod';
import { fields } from '../shared/issues.ts';
import { intFrom, MAX_TIMER_MS, numberFrom } from './bounded-number.ts';
import { parseOptions } from './parse-options.ts';

const delayMs = numberFrom(0, MAX_TIMER_MS);

const matchSchema = fields({
  /** Only requests of this page. */
  pageId: z.string().optional(),
  /** Only requests of this conversation. */
  conversationId: z.string().optional(),
  /** Only requests whose message holds this text in any of its fields. */
  textIncludes: z.string().optional(),
  /** Only requests with this `message.type`. */
  type: z.enum(['text', 'image', 'video', 'audio', 'document', 'template']).optional(),
  /** Only the nth request (from 1) of those that match the rest. */
  nth: intFrom(1).optional(),
});

const condition = {
  /** Which requests the fault is for; all of them if left out. */
  match: matchSchema.optional(),
  /** The share of the matching requests that get the fault, 0 to 1; all of them if left out. */
  rate: numberFrom(0, 1).optional(),
  /** The fault stops after it has happened so many times. */
  times: intFrom(1).optional(),
};

const faultSchema = z.discriminatedUnion('kind', [
  fields({
    kind: z.literal('status'),
    status: intFrom(200, 599),
    /** Text is sent as it is, anything else as JSON. */
    body: z.unknown().optional(),
    /** Sent as the `Retry-After` header: seconds, or an HTTP date. */
    retryAfter: z
      .union([z.string().regex(/^[\x20-\x7e]+$/), z.number().min(0)], 'must be seconds or an HTTP date')
      .optional(),
    /** Whether the message counts as accepted all the same; true for a 2xx if left out, false for the others. */
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
 * One way in which the fake API misbehaves. The first fault of the list that applies to a request wins; `latency` is
 * added to whatever comes next. Only requests that would have been accepted meet a fault.
 *
 * | kind | on the wire | accepted? |
 * |---|---|---|
 * | `status` | that status, with `Retry-After` and a body if given | a 2xx: yes; others: no, or as `accept` says |
 * | `latency` | the answer comes `ms` later | goes on with the next fault |
 * | `hang` | no answer until the client gives up | no, or as `accept` says |
 * | `reset` | the socket is reset without an answer | `when: 'before'`: no; `when: 'after'`: yes |
 * | `success-false` | `200 {"success":false}` | no |
 * | `redirect` | 302 to `location` (default `/moved`) | no |
 * | `slow-body` | 200, half of the body, the rest `ms` later | yes |
 * | `broken-body` | 200, half of the body, then the socket is closed | yes |
 * | `huge-body` | 200 with a valid JSON body of so many bytes | yes |
 * | `garbage` | bytes that are no HTTP, then the socket is closed | no, or as `accept` says |
 */
export type Fault = z.infer<typeof faultSchema>;
export type FaultKind = Fault['kind'];

/** A fault that decides the answer: any but `latency`. */
export type AnsweringFault = Exclude<Fault, { kind: 'latency' }>;

/**
 * Checks a list of faults, as it comes from a caller or from JSON.
 *
 * @throws ConfigError naming every problem with its place, such as `faults[0].rate`.
 */
export function parseFaults(input: unknown): Fault[] {
  return parseOptions(z.object({ faults: faultsSchema }), { faults: input }).faults;
}

/** Whether a request that meets this fault (or none) counts as accepted. */
export function acceptsMessage(fault: AnsweringFault | null): boolean {
  if (fault === null) return true;
  switch (fault.kind) {
    case 'status':
      return fault.accept ?? (fault.status >= 200 && fault.status < 300);
    case 'hang':
    case 'garbage':
      return fault.accept ?? false;
    case 'reset':
      return fault.when === 'after';
    case 'success-false':
    case 'redirect':
      return false;
    default:
      return true;
  }
}
