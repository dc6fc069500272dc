import { type AnswerBody, createAnswerBody } from './answer-body.ts';
import { connectionFailure, type Exchange, type ExchangeFailure } from './exchange.ts';
import { abortSignalOf, type StopSignal } from './stop-signal.ts';

/** A caller's own way to make a request, in place of the worker's pool of connections. */
export type Fetch = (request: Request) => Promise<Response>;

export interface FetchLimits {
  timeoutMs: number;
  /** On the clock of `performance.now()`: the last moment at which the request may begin. */
  startBefore: number;
  signal: StopSignal | undefined;
}

/**
 * Sends a request with a caller's `fetch`. Never throws. Whether the request reached a socket can't be seen from here,
 * so whatever goes wrong after the call counts as if it had.
 */
export async function exchangeOverFetch(
  customFetch: Fetch,
  request: Request,
  { timeoutMs, startBefore, signal }: FetchLimits,
): Promise<Exchange> {
  const startedAt = performance.now();
  const exchange: Exchange = {
    reachedSocket: false,
    httpStatus: null,
    retryAfter: null,
    body: '',
    failure: null,
    durationMs: 0,
  };
  if (signal?.aborted) return { ...exchange, failure: { kind: 'aborted' } };
  if (startedAt > startBefore) return { ...exchange, failure: { kind: 'lock-too-short' } };

  exchange.reachedSocket = true;
  const deadline = AbortSignal.timeout(timeoutMs);
  const ended = AbortSignal.any(signal ? [deadline, abortSignalOf(signal)] : [deadline]);
  const body = createAnswerBody();
  try {
    const response = await orAborted(customFetch(new Request(request, { signal: ended })), ended);
    exchange.httpStatus = response.status;
    exchange.retryAfter = response.headers.get('retry-after');
    await orAborted(readInto(body, response), ended);
  } catch (error) {
    exchange.failure = failureOf(error, deadline, signal);
  }
  exchange.body = body.text();
  exchange.durationMs = Math.round(performance.now() - startedAt);
  return exchange;
}

async function readInto(body: AnswerBody, response: Response): Promise<void> {
  const chunks: AsyncIterable<Uint8Array> | null = response.body;
  if (chunks === null) return;
  for await (const chunk of chunks) if (!body.add(chunk)) return;
}

/** A caller's `fetch` may not heed the signal. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    // Even when nobody waits for it any more, the work must not fail unhandled: that would end the process.
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

function failureOf(error: unknown, deadline: AbortSignal, signal: StopSignal | undefined): ExchangeFailure {
  if (deadline.aborted) return { kind: 'timeout' };
  if (signal?.aborted) return { kind: 'aborted' };
  return connectionFailure(error);
}
