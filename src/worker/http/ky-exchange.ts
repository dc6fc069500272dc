import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import { loggableError } from '../../shared/errors/loggable-error.ts';
import type { AnswerHeaders, HttpRequest } from './http-request.ts';
import { type Exchange, exchangeFailure, newExchange, obstacleTo } from './exchange.ts';
import { exchangeOverFetch } from './fetch-exchange.ts';
import { orAborted } from './stop-signal.ts';

/** The part of a ky instance that the worker calls. Every `KyInstance` fits this type, whichever copy of ky it comes from. */
export interface KyClient {
  post(url: URL, options: { hooks: { init: ((options: object) => void)[] } }): Promise<unknown>;
}

/** Makes one request. Never throws. */
export type Transport = (request: HttpRequest) => Promise<Exchange>;

export interface KyExchangeDeps {
  ky: KyClient;
  transport: Transport;
  logger: WorkerLogger;
}

/**
 * Sends a request through the hooks of a ky instance. Never throws. Hooks can change the request and see the answer, within the
 * attempt's time; the result comes from the transport alone.
 */
export async function exchangeOverKy(
  { ky, transport, logger }: KyExchangeDeps,
  request: HttpRequest,
): Promise<Exchange> {
  const obstacle = obstacleTo(request);
  if (obstacle) return newExchange(obstacle);

  const startedAt = performance.now();
  const { timeoutMs, signal } = request;
  const leftMs = (): number => Math.max(0, Math.ceil(startedAt + timeoutMs - performance.now()));
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(new DOMException('time-out', 'TimeoutError')), timeoutMs);
  const onAbort = (): void => end.abort();
  signal?.addEventListener('abort', onAbort);

  const carrier = createCarrier((changed) => transport({ ...request, ...changed, timeoutMs: leftMs() }), end.signal);
  const [passed] = await Promise.allSettled([orAborted(pass(ky, request, carrier.fetch, end.signal), end.signal)]);
  clearTimeout(timer);
  signal?.removeEventListener('abort', onAbort);

  const exchange = await carrier.exchange();
  const isFault = passed.status === 'rejected' && !signal?.aborted;
  if (exchange) {
    // ky rejects whenever there is no answer, so only with an answer is a rejection the fault of a hook.
    if (isFault && exchange.httpStatus !== null) {
      logger.error(
        { err: loggableError(passed.reason) },
        'a ky hook failed or timed out after the API had answered; the answer counts',
      );
    }
    return exchange;
  }
  if (passed.status === 'fulfilled') {
    const answer = Promise.resolve(passed.value as Response);
    return await exchangeOverFetch(() => answer, { ...request, timeoutMs: leftMs(), startBefore: Infinity });
  }
  if (!isFault) return newExchange({ kind: 'aborted' });
  logger.error({ err: loggableError(passed.reason) }, 'a ky hook failed or timed out; nothing was sent');
  return {
    ...newExchange(exchangeFailure('hook', passed.reason)),
    durationMs: Math.round(performance.now() - startedAt),
  };
}

interface Carrier {
  /** The `fetch` that ky calls to send the request. */
  fetch: (given: Request) => Promise<Response>;
  /** The exchange of the request; `undefined` if none was sent. */
  exchange: () => Promise<Exchange> | undefined;
}

type Changed = Pick<HttpRequest, 'origin' | 'path' | 'headers' | 'body' | 'onHeaders'>;

/** Sends the request as the hooks have changed it. It sends only once, because a hook can make ky call `fetch` again. */
function createCarrier(send: (changed: Changed) => Promise<Exchange>, ended: AbortSignal): Carrier {
  let asked = false;
  let exchange: Promise<Exchange> | undefined;

  return {
    async fetch(given) {
      if (asked) throw Object.assign(new Error('an attempt makes only one request'), { code: 'SECOND_REQUEST' });
      asked = true;
      const body = new Uint8Array(await given.arrayBuffer());
      // A hook may have taken longer than the attempt's time.
      ended.throwIfAborted();
      const { origin, pathname, search } = new URL(given.url);
      let seen: AnswerHeaders = {};
      exchange = send({
        origin,
        path: pathname + search,
        headers: Object.fromEntries(given.headers),
        body,
        onHeaders: (headers) => void (seen = headers),
      });
      return responseOf(await exchange, seen);
    },
    exchange: () => exchange,
  };
}

/** Calls ky with its retries and time-outs off: the attempt has one deadline, and only the worker sends a message again. */
async function pass(
  ky: KyClient,
  { origin, path, headers, body }: HttpRequest,
  fetch: Carrier['fetch'],
  signal: AbortSignal,
): Promise<unknown> {
  const never = { retry: 0, timeout: false, totalTimeout: false, throwHttpErrors: false, redirect: 'manual' };
  const ours = { ...never, fetch, signal };
  // The instance's own init hooks run before this one and can change these options.
  const init = [(options: object): void => void Object.assign(options, ours)];
  const options = { ...ours, headers, body, hooks: { init } };
  return await ky.post(new URL(origin + path), options);
}

/** An answer with one of these statuses has no body. */
const BODILESS = new Set([204, 205, 304]);

/** Returns the answer for the hooks. Throws as `fetch` does if there was no answer. */
function responseOf({ httpStatus, body, failure }: Exchange, seen: AnswerHeaders): Response {
  if (httpStatus === null) throw new TypeError('fetch failed', { cause: failure });
  const headers = new Headers();
  for (const [name, values = []] of seen instanceof Headers ? seen : Object.entries(seen)) {
    for (const value of [values].flat()) headers.append(name, value);
  }
  // The body is decoded text here, which gets another length and UTF-8.
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) headers.delete(name);
  const type = headers.get('content-type');
  if (type !== null) headers.set('content-type', type.replace(/(;\s*charset\s*=)[^;,]*/i, '$1utf-8'));
  const content = BODILESS.has(httpStatus) ? null : new TextEncoder().encode(body);
  return new Response(content, { status: httpStatus, headers });
}
