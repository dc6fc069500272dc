import { z } from 'zod';

import { MAX_DURATION_MS } from './durations.ts';
import type { MessageIssue } from './errors.ts';
import { describeIssue, fields, issuesOf } from './issues.ts';
import { opaqueText, wholeNumberBetween } from './value-rules.ts';

const WHOLE = 'options';

/** What to do when nobody can know whether the API got a message. */
export const unknownOutcomePolicies = ['resend', 'dead-letter'] as const;
export type UnknownOutcomePolicy = (typeof unknownOutcomePolicies)[number];

const enqueueOptionsSchema = fields({
  idempotencyKey: opaqueText(256).optional(),
  ttlMs: wholeNumberBetween(1, MAX_DURATION_MS).optional(),
  onUnknownOutcome: z.enum(unknownOutcomePolicies).optional(),
  label: opaqueText(64).optional(),
});

/** How one message is to be treated. */
export interface EnqueueOptions {
  /**
   * 1 to 256 characters without control characters. For 24 hours, a second request with the same key on the same page is not stored
   * again: the same request gets the first id, another one is refused.
   */
  idempotencyKey?: string | undefined;
  /** Milliseconds from now after which the message is not sent any more. Default: `KITECHAT_TTL_MS`. */
  ttlMs?: number | undefined;
  /**
   * `resend`: try again, it may arrive twice. `dead-letter`: never send again, an operator decides.
   * Default: `KITECHAT_ON_UNKNOWN_OUTCOME`.
   */
  onUnknownOutcome?: UnknownOutcomePolicy | undefined;
  /** 1 to 64 characters without control characters, kept with the message to find it by. */
  label?: string | undefined;
}

export type ParsedEnqueueOptions = { ok: true; options: EnqueueOptions } | { ok: false; issues: MessageIssue[] };

/** Validates the options of `enqueueMessage`; paths start with `options`. `undefined` means none. */
export function parseEnqueueOptions(input: unknown): ParsedEnqueueOptions {
  if (input === undefined) return { ok: true, options: {} };
  const { data, error } = enqueueOptionsSchema.safeParse(input, { error: describeIssue });
  return error ? { ok: false, issues: issuesOf(error, WHOLE, [WHOLE]) } : { ok: true, options: data };
}
