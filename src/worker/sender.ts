import ky from 'ky';
import { Agent } from 'undici';
import { dispatch } from './dispatch.ts';
import type { Exchange } from './exchange.ts';
import { exchangeOverFetch, type Fetch } from './fetch-exchange.ts';
import type { StopSignal } from './stop-signal.ts';

export interface SenderConfig {
  apiUrl: string;
  timeoutMs: number;
  /** Requests at once. */
  concurrency: number;
}

export interface SendOptions {
  apiKey: string;
  /** On the clock of `performance.now()`: the last moment at which the request may begin. */
  startBefore: number;
  signal: StopSignal | undefined;
}

export interface Sender {
  /** Sends one body and says what happened. Never throws for what the network or the API does. */
  send(body: string, options: SendOptions): Promise<Exchange>;
  close(): Promise<void>;
}

/** The facts travel beside ky: a Response can't say that there was none, or that its body broke off. */
const CARRIED = new Response();

/**
 * The client of the send-message API: ky, whose `fetch` hands each request to one undici pool, because only the pool
 * knows whether a request reached a socket.
 */
export function createSender({ apiUrl, timeoutMs, concurrency }: SenderConfig, customFetch?: Fetch): Sender {
  const { origin, pathname, search } = new URL(apiUrl);
  const path = pathname + search;
  const agent = new Agent({
    connections: concurrency,
    pipelining: 1,
    connect: { timeout: timeoutMs },
    // Over HTTP/2 undici repeats requests by itself after a GOAWAY, and one socket carries many of them.
    allowH2: false,
  });
  const api = ky.create({ retry: 0, timeout: false, throwHttpErrors: false, redirect: 'manual' });

  return {
    async send(body, { apiKey, startBefore, signal }) {
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/plain', apikey: apiKey };
      let exchange: Exchange | null = null;
      const carry = async (given: Request): Promise<Response> => {
        exchange = customFetch
          ? await exchangeOverFetch(customFetch, given, { timeoutMs, startBefore, signal })
          : await dispatch(agent, { origin, path, headers, body, timeoutMs, startBefore, signal });
        return CARRIED;
      };
      const fetch = (input: unknown): Promise<Response> => carry(input as Request);
      // The pool has headers and body from here; a Request would hold the body in a stream once more, for nothing.
      await api.post(apiUrl, customFetch ? { headers, body, fetch } : { fetch });
      return exchange ?? unreachable();
    },
    async close() {
      await agent.destroy();
    },
  };
}

function unreachable(): never {
  throw new Error('ky answered without calling fetch');
}
