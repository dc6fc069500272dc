import { classify, type ClassifyContext, type Outcome } from '../../../src/worker/message/classify.ts';
import { type Exchange, type ExchangeFailure, newExchange } from '../../../src/worker/http/exchange.ts';

type AnswerParts = Partial<
  Pick<Exchange, 'body' | 'retryAfter' | 'failure' | 'date' | 'age' | 'contentType' | 'bodyState'>
>;

/** An exchange in which the headers of an answer were seen. */
export function answered(httpStatus: number, { failure = null, ...parts }: AnswerParts = {}): Exchange {
  const bodyState = failure === null ? 'whole' : 'cut';
  return { ...newExchange(failure), reachedSocket: true, httpStatus, bodyState, durationMs: 12, ...parts };
}

/** An exchange without any answer. */
export function unanswered(reachedSocket: boolean, failure: ExchangeFailure | null): Exchange {
  return { ...newExchange(failure), reachedSocket, durationMs: 12 };
}

const classifyContext: ClassifyContext = {
  nowMs: Date.UTC(2026, 0, 5, 12, 0, 0),
  timeoutMs: 10_000,
  retryAfterMaxMs: 900_000,
  answers: 'strict',
  on503: 'not-processed',
  classifyResponse: undefined,
};

export function judge(exchange: Exchange, context: Partial<ClassifyContext> = {}): Outcome {
  return classify(exchange, { ...classifyContext, ...context });
}
