import type { OutcomeKind } from '../../shared/model/attempts.ts';
import type { Exchange, ExchangeFailure } from '../http/exchange.ts';
import type { ClassifyResponse, HoldScope } from './judgement.ts';
import { answeredAtMs, retryAfterMs } from './retry-after.ts';

/** How an attempt ended. */
export interface Outcome {
  kind: OutcomeKind;
  detail: string | null;
  httpStatus: number | null;
  /** For `held`: how long the API asks us to wait, in ms; `null` if it doesn't say. */
  holdMs: number | null;
  /** For `held`: `page` concerns the page, `key` all pages with the key; `missing-key` means that the page has no key. */
  scope?: 'page' | 'key' | 'missing-key';
  /** For `held`: what a hook asks to hold, for `holdMs`. */
  askedScope?: HoldScope;
}

export interface ClassifyContext {
  nowMs: number;
  timeoutMs: number;
  retryAfterMaxMs: number;
  classifyResponse: ClassifyResponse | undefined;
}

/** Statuses that report a failure of the API or a time-out, after which the API may or may not have taken the message. */
const UNKNOWN_STATUSES = new Set([408, 500, 502, 503, 504]);

/** Returns the outcome that an exchange proves. A message that may have been delivered is never judged as undelivered. */
export function classify(exchange: Exchange, context: ClassifyContext): Outcome {
  const { httpStatus, failure } = exchange;
  if (httpStatus !== null) return classifyAnswer(exchange, httpStatus, context);
  const kind = exchange.reachedSocket ? 'unknown' : 'not-sent';
  return { kind, detail: describe(failure, exchange.reachedSocket, context.timeoutMs), httpStatus, holdMs: null };
}

function classifyAnswer(exchange: Exchange, httpStatus: number, context: ClassifyContext): Outcome {
  const { body, retryAfter } = exchange;
  const judgement = context.classifyResponse?.({ httpStatus, retryAfter, body });
  const byHook = typeof judgement === 'object' ? judgement.outcome : judgement;
  const kind: OutcomeKind = byHook ?? kindOf(httpStatus, body, retryAfter);
  const detail = byHook ? `classifyResponse: ${byHook}` : detailOf(kind, httpStatus);
  if (kind !== 'held') return { kind, detail, httpStatus, holdMs: null };
  const retryMs = retryAfterMs(retryAfter, answeredAtMs(exchange.date) ?? context.nowMs, context.retryAfterMaxMs);
  if (typeof judgement === 'object' && judgement.outcome === 'held') {
    const { scope: askedScope = 'conversation', forMs = retryMs } = judgement;
    return { kind, detail, httpStatus, holdMs: forMs === null ? null : Math.ceil(forMs), askedScope };
  }
  const scope = !byHook && isUnauthorized(httpStatus) ? 'key' : 'page';
  return { kind, detail, httpStatus, holdMs: retryMs, scope };
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
    // Without valid JSON in the body, the status 2xx counts.
    return false;
  }
}

function detailOf(kind: OutcomeKind, httpStatus: number): string | null {
  if (kind === 'delivered') return null;
  if (httpStatus >= 300 && httpStatus < 400) {
    return `HTTP ${httpStatus}: a redirect, and redirects are never followed; set the URL of the API to the final address`;
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
      return reachedSocket
        ? 'the request was given up before an answer came'
        : 'the request was given up before it was sent';
    case 'lock-too-short':
      return 'the lock on the message could have ended before the request';
    case 'connection':
      return reachedSocket ? `connection lost (${failure.code})` : `no connection (${failure.code})`;
    case 'hook':
      return `a ky hook failed or timed out before the request was sent (${failure.code})`;
    case undefined:
      return 'no answer';
  }
}
