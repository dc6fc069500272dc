import * as z from 'zod';
import { MAX_TIMER_MS } from '../../shared/model/time.ts';
import { describeIssue, fields } from '../../shared/validation/issues.ts';

/** The API's answer, as a `classifyResponse` hook sees it. */
export interface ApiAnswer {
  httpStatus: number;
  retryAfter: string | null;
  /** The header `Content-Type`. */
  contentType: string | null;
  /** The body, decoded, at most its first 1 MiB. */
  body: string;
}

/** The outcomes that a hook may name. */
export const judgements = ['delivered', 'rejected', 'failed', 'unknown', 'held'] as const;

const holdScopes = ['conversation', 'page', 'key', 'api'] as const;
/** What a hook may hold, from narrow to wide. */
export type HoldScope = (typeof holdScopes)[number];

/** What a `classifyResponse` hook says of an answer. The word `'held'` alone counts like the status 429. */
export type Judgement =
  | (typeof judgements)[number]
  | { outcome: Exclude<(typeof judgements)[number], 'held'> }
  | {
      outcome: 'held';
      /**
       * What waits: the conversation of the message, its page, all pages with the same key, or everything.
       *
       * @default 'conversation'
       */
      scope?: HoldScope | undefined;
      /** How long it waits, in ms. Without it, as long as Retry-After asks for, at most `retryAfterMaxMs`. */
      forMs?: number | undefined;
    };

/**
 * Judges an answer, synchronously; `undefined` means that the default judgement counts.
 *
 * `failed` says that the API certainly did not take the message: the message uses an attempt and is sent again, whatever
 * `onUnknownOutcome` says. `unknown` says that the API may have taken the message: `onUnknownOutcome` decides whether it is sent again
 * or becomes a dead letter, and the answer counts as a failure of the API. When in doubt, return `unknown`, because a message that the
 * API took arrives twice after `failed`.
 */
export type ClassifyResponse = (answer: ApiAnswer) => Judgement | undefined;

/** The time of a hold that a hook asks for; `Date.now()` makes fractions and zeros. */
export const holdTime = z.number().min(0).max(MAX_TIMER_MS);

const RULE = `it must return one of ${judgements.join(', ')}, an object with one of them as its outcome, or undefined, and no promise`;

const wordSchema = z.enum(judgements).optional();
const objectSchema = z.discriminatedUnion('outcome', [
  fields({ outcome: z.literal('held'), scope: z.enum(holdScopes).optional(), forMs: holdTime.optional() }),
  fields({ outcome: z.enum(judgements).exclude(['held']) }),
]);

/** Returns what the hook returned if it is a judgement, otherwise a problem that quotes nothing of it. */
export function readJudgement(returned: unknown): { judgement: Judgement | undefined } | { problem: string } {
  const word = wordSchema.safeParse(returned);
  if (word.success) return { judgement: word.data };
  const { data, error } = objectSchema.safeParse(returned, { error: describeIssue });
  if (data) return { judgement: data };
  const [issue] = error.issues;
  const field = issue?.path[0];
  return { problem: field === 'scope' || field === 'forMs' ? `${field} ${issue?.message}` : RULE };
}
