import { type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { ConfigError } from '../shared/errors/errors.ts';

export interface DispatcherOptions {
  /** The most connections at once. */
  connections: number;
  connectTimeoutMs: number;
  httpsProxy?: string | undefined;
  httpProxy?: string | undefined;
  noProxy?: string | undefined;
}

/**
 * Opens the connections to the receiver, directly or through the proxies of the environment.
 *
 * @throws ConfigError if a proxy can't be used. No problem quotes its URL, which can contain a password.
 */
export function openDispatcher(options: DispatcherOptions): Dispatcher {
  const { connections, connectTimeoutMs, httpsProxy = '', httpProxy = '', noProxy = '' } = options;
  try {
    return new EnvHttpProxyAgent({
      httpsProxy: httpsProxy === '' ? httpProxy : httpsProxy,
      httpProxy,
      noProxy,
      connections,
      connect: { timeout: connectTimeoutMs },
      allowH2: false,
    });
  } catch {
    throw new ConfigError([
      'HTTPS_PROXY or HTTP_PROXY: must be the URL of an HTTP proxy, such as http://proxy.internal:3128',
    ]);
  }
}
