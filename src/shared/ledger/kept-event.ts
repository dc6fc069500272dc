import * as z from 'zod';
import { deadReasons } from '../model/dead-letter.ts';
import { type EventRecord, type SettledEvent, proofs, settledTypes } from '../model/event.ts';
import type { LedgerQuestion } from './ledger.ts';

/** The latest time with a year of four digits, so that times sort as texts. */
const MAX_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
export const DAY_MS = 86_400_000;

const text = z.string();
const attempt = z.looseObject({ at: text, outcome: text, detail: text.nullable(), httpStatus: z.number().nullable() });

// Lazy, because few processes read a ledger.
const keptEvent = z.lazy(() =>
  z.looseObject({
    id: text,
    type: z.enum(settledTypes),
    messageId: text,
    pageId: text.nullable(),
    conversationId: text.nullable(),
    label: text.nullable(),
    at: z.iso.datetime(),
    enqueuedAt: z.iso.datetime().nullable(),
    attempts: z.array(attempt),
    attemptsUsed: z.number(),
    reason: z.enum(deadReasons).optional(),
    httpStatus: z.number().optional(),
    proof: z.enum(proofs).optional(),
    answer: z.record(text, z.union([text, z.number()])).optional(),
    replayedAs: text.optional(),
    outcome: z.enum(['delivered', 'not-delivered']).optional(),
    by: text.optional(),
    request: z.looseObject({ pageId: text, conversationId: text }).optional(),
  }),
);

/** Returns an event of a ledger; `null` for anything else, as others can write there. */
export function readEvent(kept: unknown): SettledEvent | null {
  return keptEvent.safeParse(kept).success ? (kept as SettledEvent) : null;
}

/** Returns the time of an event, in ms since 1970. A time that no clock shows counts as 1970. */
export function timeOf({ at }: Pick<EventRecord, 'at'>): number {
  const ms = Date.parse(at);
  return ms >= 0 && ms <= MAX_MS ? ms : 0;
}

/** Returns the day (UTC) of a time, such as `2026-11-30`. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Returns the start of a day that `dayOf` has named; `null` if it names none. */
export function startOf(day: string): number | null {
  const ms = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(day) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

/** For sorting: the newest first. */
export function newestFirst(a: SettledEvent, b: SettledEvent): number {
  return timeOf(b) - timeOf(a) || (a.id < b.id ? 1 : -1);
}

/** Whether an event answers a question. */
export function answers(
  event: SettledEvent,
  { pageId, conversationId, beforeMs = Infinity, beforeId = '' }: LedgerQuestion,
): boolean {
  const ms = timeOf(event);
  const isBefore = ms < beforeMs || (ms === beforeMs && event.id < beforeId);
  return isBefore && event.pageId === pageId && event.conversationId === conversationId;
}
