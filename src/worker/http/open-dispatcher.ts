import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import type { ApiTls } from './api-tls.ts';

export interface DispatcherOptions {
  origin: string;
  /** The most connections at once. */
  connections: number;
  connectTimeoutMs: number;
  /** The longest that a connection may be idle and still be used; 0 for a new connection each time. */
  keepAliveMs: number;
  /** The proxy to use; `null` for none. */
  proxy: URL | null;
  tls: ApiTls;
}

/** Opens the connections to the API. It uses undici because only that shows whether a request reached a socket. */
export function openDispatcher({ origin, proxy, tls, ...options }: DispatcherOptions): Dispatcher {
  const { connections, connectTimeoutMs, keepAliveMs } = options;
  // With HTTP/2 undici repeats requests by itself after a GOAWAY, and one socket carries several requests.
  const http1 = { allowH2: false };
  const pool: Pool.Options = { ...http1, connections, ...reuse(keepAliveMs) };
  if (proxy === null) return new Pool(origin, { ...pool, connect: { timeout: connectTimeoutMs, ...tls } });
  return new ProxyAgent({
    ...pool,
    uri: proxy.href,
    connectTimeout: connectTimeoutMs,
    requestTls: { ...http1, ...tls },
    proxyTls: http1,
    // A proxy that doesn't answer a CONNECT would otherwise block a connection of the pool for five minutes.
    clientFactory: (to, given) => new Pool(to, { ...given, headersTimeout: connectTimeoutMs }),
    // For an API without TLS, ProxyAgent passes none of our options on.
    factory: (to, given: Pool.Options) => new Pool(to, { ...pool, ...given }),
  });
}

/** The most that a connection is closed before `keepAliveMs`. */
const MARGIN_MS = 1000;
/** How long before its own time-out a server that announces it with `Keep-Alive` gets no more requests. */
const ANNOUNCED_MARGIN_MS = 500;

/**
 * Closes idle connections clearly before `keepAliveMs`: if a server closes a connection while a request is on its way, nobody can know
 * whether the API took the message. The margin must cover the way to the server and back, and delays in both programs; docs/decisions.md
 * (17) has measurements. undici closes idle connections with a timer of Node.js, exact to a millisecond, not with its own coarse ones.
 */
function reuse(keepAliveMs: number): Pool.Options {
  if (keepAliveMs === 0) return { pipelining: 0 };
  const idleMs = keepAliveMs - Math.min(MARGIN_MS, Math.floor(keepAliveMs / 2));
  return {
    pipelining: 1,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    keepAliveTimeoutThreshold: ANNOUNCED_MARGIN_MS,
  };
}
