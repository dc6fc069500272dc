import type { Logger } from 'pino';
import { Pool } from 'undici';
import { dispatch } from './dispatch.ts';
import type { Exchange } from './exchange.ts';
import { exchangeOverFetch, type Fetch } from './fetch-exchange.ts';
import { exchangeOverKy, type KyClient, type Transport } from './ky-exchange.ts';
import type { StopSignal } from './stop-signal.ts';

export interface SenderConfig {
  apiUrl: string;
  timeoutMs: number;
  /** The most requests at once. */
  concurrency: number;
}

export interface SenderHooks {
  fetch?: Fetch | undefined;
  ky?: KyClient | undefined;
  logger: Logger;
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

/** Creates the client of the send-message API. It uses an undici pool because only that shows whether a request reached a socket. */
export function createSender(
  { apiUrl, timeoutMs, concurrency }: SenderConfig,
  { fetch, ky, logger }: SenderHooks,
): Sender {
  const { origin, pathname, search } = new URL(apiUrl);
  const path = pathname + search;
  const pool = new Pool(origin, {
    connections: concurrency,
    pipelining: 1,
    connect: { timeout: timeoutMs },
    // With HTTP/2 undici repeats requests by itself after a GOAWAY, and one socket carries several requests.
    allowH2: false,
  });
  const direct: Transport = fetch
    ? (request) => exchangeOverFetch(fetch, request)
    : (request) => dispatch(pool, request);
  const transport: Transport = ky ? (request) => exchangeOverKy({ ky, transport: direct, logger }, request) : direct;

  return {
    send(body, { apiKey, startBefore, signal }) {
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/plain', apikey: apiKey };
      return transport({ origin, path, headers, body, timeoutMs, startBefore, signal });
    },
    async close() {
      await pool.destroy();
    },
  };
}
