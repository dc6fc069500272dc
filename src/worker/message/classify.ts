import type { OutcomeKind } from '../../shared/model/attempts.ts';
import type { Exchange, ExchangeFailure } from '../http/exchange.ts';
import { type AnswerRule, judgeAnswer } from './judge-answer.ts';
import type { ClassifyResponse, HoldScope } from './judgement.ts';
import { answeredAtMs, retryAfterMs } from '../../shared/retry/retry-after.ts';

/** How an attempt ended. */
export interface Outcome {
  kind: OutcomeKind;
  detail: string | null;
  httpStatus: number | null;
  /** For `held`: how long the API asks us to wait, in ms; `null` if it doesn't say. */
  holdMs: number | null;
  /** For `held`: what the API, or the lack of a key, says. */
  trouble?: 'limited' | 'unauthorized' | 'forbidden' | 'no-key';
  /** For `held`: what a hook asks to hold, for `holdMs`. */
  askedScope?: HoldScope;
}

export interface ClassifyContext {
  nowMs: number;
  timeoutMs: number;
  retryAfterMaxMs: number;
  answers: AnswerRule;
  on503: 'not-processed' | 'unknown';
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
  const { body, retryAfter, contentType } = exchange;
  const judgement = context.classifyResponse?.({ httpStatus, retryAfter, contentType, body });
  const byHook = typeof judgement === 'object' ? judgement.outcome : judgement;
  const { kind, detail } = byHook
    ? { kind: byHook, detail: `classifyResponse: ${byHook}` }
    : judgeByDefault(exchange, httpStatus, context);
  if (kind !== 'held') return { kind, detail, httpStatus, holdMs: null };
  const retryMs = retryAfterMs(retryAfter, answeredAtMs(exchange) ?? context.nowMs, context.retryAfterMaxMs);
  if (typeof judgement === 'object' && judgement.outcome === 'held') {
    const { scope: askedScope = 'conversation', forMs = retryMs } = judgement;
    return { kind, detail, httpStatus, holdMs: forMs === null ? null : Math.ceil(forMs), askedScope };
  }
  return { kind, detail, httpStatus, holdMs: retryMs, trouble: byHook ? 'limited' : troubleOf(httpStatus) };
}

function judgeByDefault(
  exchange: Exchange,
  httpStatus: number,
  { answers, on503 }: ClassifyContext,
): { kind: OutcomeKind; detail: string | null } {
  if (httpStatus >= 200 && httpStatus < 300) {
    const { kind, detail } = judgeAnswer(exchange, answers);
    return { kind, detail: detail === null ? null : `HTTP ${httpStatus}${detail}` };
  }
  const kind = kindOf(httpStatus, exchange, on503);
  return { kind, detail: detailOf(kind, httpStatus, exchange) };
}

function kindOf(httpStatus: number, exchange: Exchange, on503: ClassifyContext['on503']): OutcomeKind {
  if (httpStatus === 401 || httpStatus === 403 || httpStatus === 429) return 'held';
  if (httpStatus === 503 && (on503 === 'not-processed' || namesLimit(exchange))) return 'held';
  if (UNKNOWN_STATUSES.has(httpStatus)) return 'unknown';
  return httpStatus >= 400 && httpStatus < 500 ? 'rejected' : 'unknown';
}

/** Whether an answer asks to wait: with a Retry-After, or in its text. */
function namesLimit({ retryAfter, body }: Exchange): boolean {
  return retryAfter !== null || /limit/i.test(body);
}

function troubleOf(httpStatus: number): NonNullable<Outcome['trouble']> {
  if (httpStatus === 401) return 'unauthorized';
  return httpStatus === 403 ? 'forbidden' : 'limited';
}

function detailOf(kind: OutcomeKind, httpStatus: number, exchange: Exchange): string {
  if (httpStatus >= 300 && httpStatus < 400) {
    return `HTTP ${httpStatus}: a redirect, and redirects are never followed; set the URL of the API to the final address`;
  }
  if (httpStatus === 401) return 'HTTP 401: the API key was refused';
  if (httpStatus === 403) return 'HTTP 403: the recipient, the page or the API key was refused';
  const isLimit = httpStatus === 429 || namesLimit(exchange);
  if (kind === 'held') return `HTTP ${httpStatus}: ${isLimit ? 'rate limit' : 'not processed'}`;
  return `HTTP ${httpStatus}`;
}

/** Returns the outcome of a 403 that turned out to be about the recipient, since the key works for others. */
export function refusedForGood({ httpStatus, ...outcome }: Outcome): Outcome {
  const detail = `HTTP ${httpStatus}: refused, while the API key works for other conversations`;
  return { ...outcome, httpStatus, kind: 'rejected', detail };
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
