import { decodeTime } from 'ulid';
import * as z from 'zod';
import { type UnknownOutcomePolicy, unknownOutcomePolicies } from '../model/enqueue-options.ts';

/**
 * What was agreed about a message when it was stored. The terms are encrypted together with the message, because whoever can write to Redis
 * could otherwise change them: its job names them in the clear, for the scripts.
 */
export interface Terms {
  ttlMs: number;
  /** When the message is due, as `enqueue.lua` gets it: `+<ms>` from the time of storing, or `<ms>` as a time. */
  due?: string | undefined;
  isHigh?: true | undefined;
  label?: string | undefined;
  policy?: UnknownOutcomePolicy | undefined;
  /** The id of the dead letter that the message replays. */
  replays?: string | undefined;
}

/** The fields of a job in which the terms stand, as the take has read them. */
export interface TermFields {
  enqueuedAtMs: number;
  label: string | null;
  policy: string | null;
  replays: string | null;
  times: { expiresAt: string; due: string | null; high: string | null };
}

/**
 * How far the clock of a producer may be behind Redis's. Only Redis knows when a message was stored; the message's id, which is bound to
 * the content, says when by the producer's clock.
 */
const CLOCKS_APART_MS = 86_400_000;

// Strict: a term that this version doesn't know could forbid what it would do.
const termsSchema = z.lazy(() =>
  z.strictObject({
    ttlMs: z.number(),
    due: z.string().optional(),
    isHigh: z.literal(true).optional(),
    label: z.string().optional(),
    policy: z.enum(unknownOutcomePolicies).optional(),
    replays: z.string().optional(),
  }),
);

/** Returns the terms of decrypted content; `null` if this version doesn't know them. */
export function readTerms(terms: unknown): Terms | null {
  return termsSchema.safeParse(terms).data ?? null;
}

/** Returns the term that the job of a message names otherwise than its producer did; `null` if there is none. */
export function changedTerm(id: string, terms: Terms, { times, ...fields }: TermFields): string | null {
  const { enqueuedAtMs } = fields;
  if (fields.policy !== (terms.policy ?? null)) return 'policy for unknown outcomes';
  if (fields.label !== (terms.label ?? null)) return 'label';
  if (fields.replays !== (terms.replays ?? null)) return 'dead letter that it replays';
  // A replay has the priority of its dead letter, which only Redis knows.
  if (terms.replays === undefined && times.high !== (terms.isHigh ? '1' : null)) return 'priority';
  const due = dueAtMs(terms, enqueuedAtMs);
  if (times.due !== (due > enqueuedAtMs ? String(due) : null)) return 'due time';
  if (times.expiresAt !== String(Math.max(enqueuedAtMs, due) + terms.ttlMs)) return 'expiry';
  if (enqueuedAtMs > latestStoringMs(id)) return 'time at which it was stored';
  return null;
}

/** Returns the latest time, by Redis's clock, at which a job with these terms could be sent. */
export function latestExpiryMs(id: string, terms: Terms): number {
  const storedAtMs = latestStoringMs(id);
  return Math.max(storedAtMs, dueAtMs(terms, storedAtMs)) + terms.ttlMs;
}

function dueAtMs({ due }: Terms, storedAtMs: number): number {
  if (due === undefined) return storedAtMs;
  return due.startsWith('+') ? storedAtMs + Number(due) : Number(due);
}

function latestStoringMs(id: string): number {
  return decodeTime(id.slice(id.indexOf('-') + 1)) + CLOCKS_APART_MS;
}
