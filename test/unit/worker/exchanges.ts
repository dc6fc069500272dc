import { classify, type ClassifyContext, type Outcome } from '../../../src/worker/message/classify.ts';
import type { Exchange, ExchangeFailure } from '../../../src/worker/http/exchange.ts';

interface AnswerParts {
  body?: string;
  retryAfter?: string | null;
  failure?: ExchangeFailure | null;
}

/** An exchange in which the headers of an answer were seen. */
export function answered(
  httpStatus: number,
  { body = '', retryAfter = null, failure = null }: AnswerParts = {},
): Exchange {
  return { reachedSocket: true, httpStatus, retryAfter, date: null, body, failure, durationMs: 12 };
}

/** An exchange without any answer. */
export function unanswered(reachedSocket: boolean, failure: ExchangeFailure | null): Exchange {
  return { reachedSocket, httpStatus: null, retryAfter: null, date: null, body: '', failure, durationMs: 12 };
}

const classifyContext: ClassifyContext = {
  nowMs: Date.UTC(2026, 0, 5, 12, 0, 0),
  timeoutMs: 10_000,
  retryAfterMaxMs: 900_000,
  classifyResponse: undefined,
};

export function judge(exchange: Exchange, context: Partial<ClassifyContext> = {}): Outcome {
  return classify(exchange, { ...classifyContext, ...context });
}
