import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import type { ApiTls } from './api-tls.ts';
import { dispatch } from './dispatch.ts';
import type { Exchange } from './exchange.ts';
import { exchangeOverFetch, type Fetch } from './fetch-exchange.ts';
import { exchangeOverKy, type KyClient, type Transport } from './ky-exchange.ts';
import { openDispatcher } from './open-dispatcher.ts';
import type { StopSignal } from './stop-signal.ts';

export interface SenderConfig {
  apiUrl: string;
  timeoutMs: number;
  /** The most requests at once. */
  concurrency: number;
  /** The longest that a connection may be idle and still be used; 0 for a new connection each time. */
  keepAliveMs: number;
  /** The proxy to use; `null` for none. */
  proxy: URL | null;
  tls: ApiTls;
}

export interface SenderHooks {
  fetch?: Fetch | undefined;
  ky?: KyClient | undefined;
  logger: WorkerLogger;
}

export interface SendOptions {
  apiKey: string;
  /** The last moment at which the request may begin, on the clock of `performance.now()`. */
  startBefore: number;
  signal: StopSignal | undefined;
}

export interface Sender {
  /** Sends one body and returns what happened. Errors of the network, the API or a hook are never thrown. */
  send(body: string, options: SendOptions): Promise<Exchange>;
  close(): Promise<void>;
}

/** Creates the client of the send-message API. */
export function createSender(
  { apiUrl, timeoutMs, concurrency, keepAliveMs, proxy, tls }: SenderConfig,
  { fetch, ky, logger }: SenderHooks,
): Sender {
  const { origin, pathname, search } = new URL(apiUrl);
  const path = pathname + search;
  const dispatcher = openDispatcher({
    origin,
    connections: concurrency,
    connectTimeoutMs: timeoutMs,
    keepAliveMs,
    proxy,
    tls,
  });
  const direct: Transport = fetch
    ? (request) => exchangeOverFetch(fetch, request)
    : (request) => dispatch(dispatcher, request);
  const transport: Transport = ky ? (request) => exchangeOverKy({ ky, transport: direct, logger }, request) : direct;

  return {
    send(body, { apiKey, startBefore, signal }) {
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/plain', apikey: apiKey };
      return transport({ origin, path, headers, body, timeoutMs, startBefore, signal });
    },
    async close() {
      await dispatcher.destroy();
    },
  };
}
