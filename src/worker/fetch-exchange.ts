import type { Exchange, ExchangeFailure } from './exchange.ts';

/** A caller's own way to make a request, in place of the worker's pool of connections. */
export type Fetch = (request: Request) => Promise<Response>;

const MAX_BODY_CHARACTERS = 64 * 1024;

/**
 * Sends a request with a caller's `fetch`. Whether it reached a socket can't be seen from here, so whatever goes wrong
 * counts as if it had.
 */
export async function exchangeOverFetch(
  customFetch: Fetch,
  request: Request,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Exchange> {
  const startedAt = performance.now();
  const exchange: Exchange = {
    reachedSocket: true,
    httpStatus: null,
    retryAfter: null,
    body: '',
    failure: null,
    durationMs: 0,
  };
  const deadline = AbortSignal.timeout(timeoutMs);
  const ended = AbortSignal.any(signal ? [deadline, signal] : [deadline]);
  try {
    const response = await orAborted(customFetch(new Request(request, { signal: ended })), ended);
    exchange.httpStatus = response.status;
    exchange.retryAfter = response.headers.get('retry-after');
    exchange.body = (await orAborted(response.text(), ended)).slice(0, MAX_BODY_CHARACTERS);
  } catch (error) {
    exchange.failure = failureOf(error, deadline, signal);
  }
  exchange.durationMs = Math.round(performance.now() - startedAt);
  return exchange;
}

/** A caller's `fetch` may not heed the signal. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw signal.reason;
  return await new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function failureOf(error: unknown, deadline: AbortSignal, signal: AbortSignal | undefined): ExchangeFailure {
  if (deadline.aborted) return { kind: 'timeout' };
  if (signal?.aborted) return { kind: 'aborted' };
  return { kind: 'connection', code: error instanceof Error ? error.name : 'unknown error' };
}
