import { type AnswerBody, createAnswerBody } from './answer-body.ts';
import { textOf } from './body-text.ts';
import { type Exchange, type ExchangeFailure, exchangeFailure, newExchange, obstacleTo } from './exchange.ts';
import type { HttpRequest } from './http-request.ts';
import { abortSignalOf, orAborted, type StopSignal } from './stop-signal.ts';

/** A function of the caller that makes a request, in place of the worker's connection pool. */
export type Fetch = (request: Request) => Promise<Response>;

/**
 * Sends a request with the caller's `fetch`. Never throws. Whether the request reached a socket can't be seen from here,
 * so after the call every failure counts as if it had.
 */
export async function exchangeOverFetch(customFetch: Fetch, request: HttpRequest): Promise<Exchange> {
  const startedAt = performance.now();
  const exchange = newExchange(obstacleTo(request));
  if (exchange.failure) return exchange;

  const { timeoutMs, signal } = request;
  const deadline = AbortSignal.timeout(timeoutMs);
  const ended = AbortSignal.any(signal ? [deadline, abortSignalOf(signal)] : [deadline]);
  const body = createAnswerBody();
  try {
    const given = requestOf(request, ended);
    exchange.reachedSocket = true;
    const response = await orAborted(customFetch(given), ended);
    exchange.httpStatus = response.status;
    exchange.retryAfter = response.headers.get('retry-after');
    exchange.date = response.headers.get('date');
    exchange.age = response.headers.get('age');
    exchange.contentType = response.headers.get('content-type');
    request.onHeaders?.(response.headers);
    await orAborted(readInto(body, response), ended);
  } catch (error) {
    exchange.failure = reasonOf(error, deadline, signal);
  }
  // A `fetch` removes content encodings, but not charsets.
  exchange.body = textOf(body.bytes(), exchange.contentType);
  if (exchange.failure !== null || body.isCut()) exchange.bodyState = 'cut';
  exchange.durationMs = Math.round(performance.now() - startedAt);
  return exchange;
}

function requestOf({ origin, path, headers, body }: HttpRequest, signal: AbortSignal): Request {
  return new Request(origin + path, { method: 'POST', headers, body, redirect: 'manual', signal });
}

async function readInto(body: AnswerBody, response: Response): Promise<void> {
  const chunks: AsyncIterable<Uint8Array> | null = response.body;
  if (chunks === null) return;
  for await (const chunk of chunks) if (!body.add(chunk)) return;
}

function reasonOf(error: unknown, deadline: AbortSignal, signal: StopSignal | undefined): ExchangeFailure {
  if (deadline.aborted) return { kind: 'timeout' };
  if (signal?.aborted) return { kind: 'aborted' };
  return exchangeFailure('connection', error);
}
