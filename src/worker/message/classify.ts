import type { OutcomeKind } from '../../shared/model/attempts.ts';
import type { Exchange, ExchangeFailure } from '../http/exchange.ts';
import { answeredAtMs, retryAfterMs } from './retry-after.ts';

/** The API's answer, as a `classifyResponse` hook sees it. */
export interface ApiAnswer {
  httpStatus: number;
  retryAfter: string | null;
  /** At most the first 64 KiB. */
  body: string;
}

/** What a hook may say of an answer. */
export const judgements = ['delivered', 'rejected', 'failed', 'unknown', 'held'] as const;

/** Judges an answer, at once; `undefined` leaves it to the defaults. */
export type ClassifyResponse = (answer: ApiAnswer) => (typeof judgements)[number] | undefined;

/** How an attempt ended. */
export interface Outcome {
  kind: OutcomeKind;
  detail: string | null;
  httpStatus: number | null;
  /** For `held`: how long the API asks us to wait, `null` if it doesn't say. */
  holdMs: number | null;
  /** For `held`: what can't be used now. */
  scope?: 'page' | 'key' | 'missing-key';
}

export interface ClassifyContext {
  nowMs: number;
  timeoutMs: number;
  retryAfterMaxMs: number;
  classifyResponse: ClassifyResponse | undefined;
}

/** Statuses after which the API may or may not have taken the message: by convention its own trouble, not ours. */
const UNKNOWN_STATUSES = new Set([408, 500, 502, 503, 504]);

/** Judges what an exchange proves. Never calls a message undelivered that may have been delivered. */
export function classify(exchange: Exchange, context: ClassifyContext): Outcome {
  const { httpStatus, failure } = exchange;
  if (httpStatus !== null) return classifyAnswer(exchange, httpStatus, context);
  const kind = exchange.reachedSocket ? 'unknown' : 'not-sent';
  return { kind, detail: describe(failure, exchange.reachedSocket, context.timeoutMs), httpStatus, holdMs: null };
}

function classifyAnswer(exchange: Exchange, httpStatus: number, context: ClassifyContext): Outcome {
  const { body, retryAfter } = exchange;
  const byHook = context.classifyResponse?.({ httpStatus, retryAfter, body });
  const kind = byHook ?? kindOf(httpStatus, body, retryAfter);
  const holdMs =
    kind === 'held'
      ? retryAfterMs(retryAfter, answeredAtMs(exchange.date) ?? context.nowMs, context.retryAfterMaxMs)
      : null;
  const detail = byHook ? `classifyResponse: ${byHook}` : detailOf(kind, httpStatus);
  if (kind !== 'held') return { kind, detail, httpStatus, holdMs };
  const scope = !byHook && isUnauthorized(httpStatus) ? 'key' : 'page';
  return { kind, detail, httpStatus, holdMs, scope };
}

function kindOf(httpStatus: number, body: string, retryAfter: string | null): OutcomeKind {
  if (httpStatus >= 200 && httpStatus < 300) return saysFailure(body) ? 'rejected' : 'delivered';
  if (httpStatus === 429 || isUnauthorized(httpStatus)) return 'held';
  if (httpStatus === 503 && (retryAfter !== null || /limit/i.test(body))) return 'held';
  if (UNKNOWN_STATUSES.has(httpStatus)) return 'unknown';
  return httpStatus >= 400 && httpStatus < 500 ? 'rejected' : 'unknown';
}

function isUnauthorized(httpStatus: number): boolean {
  return httpStatus === 401 || httpStatus === 403;
}

function saysFailure(body: string): boolean {
  try {
    const answer: unknown = JSON.parse(body);
    if (typeof answer !== 'object' || answer === null || !('success' in answer)) return false;
    return answer.success === false || answer.success === 0;
  } catch {
    // No JSON, or a broken body: the 2xx has been seen, and that counts.
    return false;
  }
}

function detailOf(kind: OutcomeKind, httpStatus: number): string | null {
  if (kind === 'delivered') return null;
  if (httpStatus >= 300 && httpStatus < 400) {
    return `HTTP ${httpStatus}: a redirect, which is never followed; set the URL of the API to the final address`;
  }
  if (kind === 'rejected' && httpStatus < 300) return `HTTP ${httpStatus}, but the answer says success: false`;
  if (isUnauthorized(httpStatus)) return `HTTP ${httpStatus}: the API key was refused`;
  if (kind === 'held') return `HTTP ${httpStatus}: rate limit`;
  return `HTTP ${httpStatus}`;
}

function describe(failure: ExchangeFailure | null, reachedSocket: boolean, timeoutMs: number): string {
  switch (failure?.kind) {
    case 'timeout':
      return reachedSocket ? `no answer in ${timeoutMs} ms` : `no connection in ${timeoutMs} ms`;
    case 'aborted':
      return reachedSocket ? 'given up in mid-request' : 'given up before it was sent';
    case 'lock-too-short':
      return 'the lock on the message was too short for a request';
    case 'connection':
      return reachedSocket ? `connection lost (${failure.code})` : `no connection (${failure.code})`;
    case 'hook':
      return `a ky hook failed or timed out before the request was sent (${failure.code})`;
    case undefined:
      return 'no answer';
  }
}
