import type { Dispatcher } from 'undici';
import { createAnswerBody } from './answer-body.ts';
import { type Exchange, type ExchangeFailure, failureOf, newExchange } from './exchange.ts';
import type { StopSignal } from './stop-signal.ts';

/** One POST, and the limits of its attempt. */
export interface HttpRequest {
  origin: string;
  path: string;
  headers: Record<string, string>;
  body: string | Uint8Array<ArrayBuffer>;
  timeoutMs: number;
  /** On the clock of `performance.now()`: the last moment at which the request may begin. */
  startBefore: number;
  signal: StopSignal | undefined;
  /** Receives the headers of the answer, before its body. */
  onHeaders?: (headers: AnswerHeaders) => void;
}

/** As the pool or a `fetch` has read them. */
export type AnswerHeaders = Headers | Record<string, string | string[] | undefined>;

/**
 * Sends one POST and says what happened. Never throws: a failed exchange is a result like any other.
 *
 * The dispatcher calls `onRequestStart` when it is about to write the request to a connected socket. Before that nothing
 * can have left; from then on anything may have.
 */
export function dispatch(dispatcher: Dispatcher, request: HttpRequest): Promise<Exchange> {
  const startedAt = performance.now();
  const exchange = newExchange();
  const body = createAnswerBody();
  let controller: Dispatcher.DispatchController | null = null;

  return new Promise((resolve) => {
    let ended = false;
    const end = (failure: ExchangeFailure | null): void => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', onAbort);
      exchange.failure = failure;
      exchange.body = body.text();
      exchange.durationMs = Math.round(performance.now() - startedAt);
      resolve(exchange);
    };
    const giveUp = (failure: ExchangeFailure): void => {
      end(failure);
      controller?.abort(new Error(failure.kind));
    };
    const onAbort = (): void => giveUp({ kind: 'aborted' });
    const timer = setTimeout(() => giveUp({ kind: 'timeout' }), request.timeoutMs);
    request.signal?.addEventListener('abort', onAbort);
    if (request.signal?.aborted) onAbort();

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(startedController) {
        controller = startedController;
        // The request may have waited for a socket until after we gave it up, or until the lock grew too short.
        if (!ended && performance.now() > request.startBefore) end({ kind: 'lock-too-short' });
        if (ended) controller.abort(new Error('given up before it was sent'));
        else exchange.reachedSocket = true;
      },
      onResponseStart(_controller, httpStatus, headers) {
        if (httpStatus < 200) return;
        exchange.httpStatus = httpStatus;
        exchange.retryAfter = firstValue(headers['retry-after']);
        exchange.date = firstValue(headers['date']);
        request.onHeaders?.(headers);
      },
      onResponseData(dataController, chunk) {
        if (ended || body.add(chunk)) return;
        end(null);
        dataController.abort(new Error('the answer is longer than we read'));
      },
      onResponseEnd() {
        end(null);
      },
      onResponseError(_controller, error) {
        end(failureOf('connection', error));
      },
    };
    if (ended) return;
    try {
      dispatcher.dispatch(
        {
          origin: request.origin,
          path: request.path,
          method: 'POST',
          headers: request.headers,
          body: request.body,
          // Ours is the only clock: one deadline for the whole exchange.
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        handler,
      );
    } catch (error) {
      end(failureOf('connection', error));
    }
  });
}

function firstValue(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null;
}
