import * as z from 'zod';
import type { MessageRecord } from '../shared/reading/message.ts';
import type { HistoryQuestion } from '../shared/reading/history.ts';
import { describeIssue, fields, issuesOf } from '../shared/validation/issues.ts';
import { requiredText } from '../shared/validation/rules.ts';

/** Which messages `history` returns. */
export interface HistoryOptions {
  pageId: string;
  conversationId: string;
  /**
   * Only messages that were stored before this one, or before this time (a `Date`, or a time as text). The last record of one call begins
   * the next one exactly after it, even if its message is gone by then.
   */
  before?: Date | string | Pick<MessageRecord, 'id' | 'enqueuedAt'> | undefined;
  /**
   * The most messages.
   *
   * @default 100
   */
  limit?: number | undefined;
}

const DEFAULT_LIMIT = 100;
const TIME_RULE = 'must be a Date, a time such as 2026-11-22T10:00:00Z, or a record of history';

const isoTime = z
  .string()
  .refine((text) => /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text)), TIME_RULE);
// Lazy, because a process that only stores messages never asks.
const optionsSchema = z.lazy(() =>
  fields({
    pageId: requiredText,
    conversationId: requiredText,
    before: z.union([z.date(), isoTime, z.object({ id: requiredText, enqueuedAt: isoTime })], TIME_RULE).optional(),
    limit: z.int().min(1).optional(),
  }),
);

/** @throws TypeError for options that the types, or their descriptions, forbid. */
export function checkedQuestion(options: HistoryOptions): HistoryQuestion {
  const { error } = optionsSchema.safeParse(options, { error: describeIssue });
  if (error) {
    const problems = issuesOf(error, 'the options').map(({ path, message }) => `${path}: ${message}`);
    throw new TypeError(`history can't be read with these options. Please correct: ${problems.join('; ')}`);
  }
  const { pageId, conversationId, before, limit = DEFAULT_LIMIT } = options;
  return { pageId, conversationId, before: typeof before === 'string' ? new Date(before) : before, limit };
}
