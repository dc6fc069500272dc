import type { Dispatcher } from 'undici';
import { createAnswerBody } from './answer-body.ts';
import { textOf } from './body-text.ts';
import { decodeContent, encodingsOf } from './content-encoding.ts';
import { type Exchange, type ExchangeFailure, exchangeFailure, newExchange } from './exchange.ts';
import type { HttpRequest } from './http-request.ts';
import { refusalByProxy } from './proxy.ts';

/**
 * Sends one POST and returns what happened. Never throws: a failure is part of the exchange.
 *
 * The dispatcher calls `onRequestStart` when it is about to write the request to a connected socket. Before that call no byte
 * can have left; after it, any part of the request may have.
 */
export function dispatch(dispatcher: Dispatcher, request: HttpRequest): Promise<Exchange> {
  return new Promise((resolve) => {
    new Dispatched(request, resolve).begin(dispatcher);
  });
}

/** A request on its way. It is a class because one is made for each attempt, and closures would cost more. */
class Dispatched implements Dispatcher.DispatchHandler {
  private readonly startedAt = performance.now();
  private readonly exchange = newExchange();
  private readonly answer = createAnswerBody();
  private encodings: readonly string[] = [];
  private controller: Dispatcher.DispatchController | null = null;
  private hasEnded = false;
  private readonly request: HttpRequest;
  private readonly resolve: (exchange: Exchange) => void;
  private readonly timer: NodeJS.Timeout;
  private readonly onAbort = (): void => this.giveUp({ kind: 'aborted' });

  constructor(request: HttpRequest, resolve: (exchange: Exchange) => void) {
    this.request = request;
    this.resolve = resolve;
    this.timer = setTimeout(giveUpInTime, request.timeoutMs, this);
    request.signal?.addEventListener('abort', this.onAbort);
    if (request.signal?.aborted) this.onAbort();
  }

  begin(dispatcher: Dispatcher): void {
    if (this.hasEnded) return;
    const { origin, path, headers, body } = this.request;
    try {
      // undici's time-outs are off: our timer is the one deadline for the whole exchange.
      dispatcher.dispatch({ origin, path, method: 'POST', headers, body, headersTimeout: 0, bodyTimeout: 0 }, this);
    } catch (error) {
      this.end(exchangeFailure('connection', error));
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    // While it waited for a socket, the request may have been given up, or the rest of the lock may have become too short.
    if (!this.hasEnded && performance.now() > this.request.startBefore) this.end({ kind: 'lock-too-short' });
    if (this.hasEnded) controller.abort(new Error('given up before it was sent'));
    else this.exchange.reachedSocket = true;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    httpStatus: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (httpStatus < 200) return;
    this.exchange.httpStatus = httpStatus;
    this.exchange.retryAfter = firstValue(headers['retry-after']);
    this.exchange.date = firstValue(headers['date']);
    this.exchange.age = firstValue(headers['age']);
    this.exchange.contentType = firstValue(headers['content-type']);
    this.encodings = encodingsOf(headers['content-encoding']);
    this.request.onHeaders?.(headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.hasEnded || this.answer.add(chunk)) return;
    this.end(null);
    controller.abort(new Error('the answer is longer than we read'));
  }

  onResponseEnd(): void {
    this.end(null);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const code = refusalByProxy(error);
    // Without TLS to the API, the proxy has read the request before it refused it.
    if (code !== null) this.exchange.reachedSocket = false;
    this.end(code === null ? exchangeFailure('connection', error) : { kind: 'connection', code });
  }

  giveUp(failure: ExchangeFailure): void {
    this.end(failure);
    this.controller?.abort(new Error(failure.kind));
  }

  private end(failure: ExchangeFailure | null): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    clearTimeout(this.timer);
    this.request.signal?.removeEventListener('abort', this.onAbort);
    this.exchange.failure = failure;
    this.exchange.durationMs = Math.round(performance.now() - this.startedAt);
    const bytes = this.answer.bytes();
    if (failure !== null || this.answer.isCut()) this.exchange.bodyState = 'cut';
    if (this.encodings.length > 0 && bytes.length > 0) return void this.decode(bytes);
    this.exchange.body = textOf(bytes, this.exchange.contentType);
    this.resolve(this.exchange);
  }

  private async decode(bytes: Uint8Array): Promise<void> {
    const { exchange } = this;
    const decoded = await decodeContent(bytes, this.encodings);
    if (decoded.state === 'cut') exchange.bodyState = 'cut';
    if (decoded.state === 'broken' && exchange.bodyState === 'whole') exchange.bodyState = 'undecoded';
    // Some proxies remove an encoding but leave its header, so a body that can't be decoded may be plain text.
    exchange.body = textOf(exchange.bodyState === 'undecoded' ? bytes : decoded.bytes, exchange.contentType);
    this.resolve(exchange);
  }
}

function giveUpInTime(dispatched: Dispatched): void {
  dispatched.giveUp({ kind: 'timeout' });
}

function firstValue(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null;
}
