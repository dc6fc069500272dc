import * as z from 'zod';

import { MAX_DURATION_MS } from './time.ts';
import type { MessageIssue } from '../errors/errors.ts';
import { describeIssue, fields, issuesOf } from '../validation/issues.ts';
import { opaqueText, wholeNumberBetween } from '../validation/rules.ts';

const WHOLE = 'options';

/** What to do if nobody can know whether the API received a message. */
export const unknownOutcomePolicies = ['resend', 'dead-letter'] as const;
export type UnknownOutcomePolicy = (typeof unknownOutcomePolicies)[number];

/** Whether a message goes before the other waiting conversations of its page. */
export const priorities = ['normal', 'high'] as const;
export type Priority = (typeof priorities)[number];

const SEND_AT_RULE = 'must be a Date, or a time with a time zone, such as 2026-11-22T10:00:00Z';
const sendAt = z
  .union([z.date(), z.iso.datetime({ offset: true, error: SEND_AT_RULE })], { error: SEND_AT_RULE })
  .transform((time) => new Date(time));

const enqueueOptionsSchema = fields({
  idempotencyKey: opaqueText(256).optional(),
  delayMs: wholeNumberBetween(0, MAX_DURATION_MS).optional(),
  sendAt: sendAt.optional(),
  ttlMs: wholeNumberBetween(1, MAX_DURATION_MS).optional(),
  priority: z.enum(priorities).optional(),
  onUnknownOutcome: z.enum(unknownOutcomePolicies).optional(),
  label: opaqueText(64).optional(),
}).refine(({ delayMs, sendAt: at }) => delayMs === undefined || at === undefined, {
  path: ['sendAt'],
  error: 'is given, and so is delayMs: keep only one of them',
  // Checked even when other options are wrong, so that all problems are reported at once.
  when: ({ value }) => typeof value === 'object' && value !== null,
});

/** The options of one message. */
export interface EnqueueOptions {
  /**
   * A name for the message: 1 to 256 characters without control characters. For 24 hours, a second request with the same key on the same
   * page is not stored: if it is the same request, the call returns the first id; a different request is refused.
   */
  idempotencyKey?: string | undefined;
  /**
   * Milliseconds from now until the message is due. Then it joins the end of its conversation; until then it doesn't delay other
   * messages.
   */
  delayMs?: number | undefined;
  /** When the message is due: a `Date`, or an ISO time with a time zone. A time in the past means now. Not together with `delayMs`. */
  sendAt?: Date | string | undefined;
  /** Milliseconds, from when the message is due, after which it is not sent any more. Default: `KITECHAT_TTL_MS`. */
  ttlMs?: number | undefined;
  /** `high`: goes before the other waiting conversations of its page, but not before earlier messages of its own. Default: `normal`. */
  priority?: Priority | undefined;
  /**
   * What happens if nobody can know whether the message arrived. `resend`: it is sent again and may arrive twice. `dead-letter`: it is not
   * sent again; an operator decides.
   * Default: `KITECHAT_ON_UNKNOWN_OUTCOME`.
   */
  onUnknownOutcome?: UnknownOutcomePolicy | undefined;
  /** A text by which the message can be found: 1 to 64 characters without control characters. */
  label?: string | undefined;
}

export type ParsedEnqueueOptions =
  | { ok: true; options: z.output<typeof enqueueOptionsSchema> }
  | { ok: false; issues: MessageIssue[] };

/** Validates the options of `enqueueMessage`; paths start with `options`. `undefined` means no options. */
export function parseEnqueueOptions(input: unknown): ParsedEnqueueOptions {
  if (input === undefined) return { ok: true, options: {} };
  const { data, error } = enqueueOptionsSchema.safeParse(input, { error: describeIssue });
  return error ? { ok: false, issues: issuesOf(error, WHOLE, [WHOLE]) } : { ok: true, options: data };
}
