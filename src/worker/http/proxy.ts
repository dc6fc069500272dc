import { ConfigError } from '../../shared/errors/errors.ts';
import { isWithoutProxy } from './no-proxy.ts';

export interface ProxySettings {
  apiUrl: string;
  httpsProxy?: string | undefined;
  httpProxy?: string | undefined;
  noProxy?: string | undefined;
}

/**
 * Returns the proxy for the API; `null` if it is reached directly. As in undici's `EnvHttpProxyAgent`, the proxy for `http` is also used
 * for `https` if there is no other.
 *
 * @throws ConfigError if the proxy that applies can't be used. No problem quotes the URL, which can contain a password.
 */
export function proxyFor({ apiUrl, httpsProxy, httpProxy, noProxy = '' }: ProxySettings): URL | null {
  const api = new URL(apiUrl);
  const [variable, value] =
    api.protocol === 'https:' && httpsProxy !== undefined ? ['HTTPS_PROXY', httpsProxy] : ['HTTP_PROXY', httpProxy];
  if (value === undefined || value === '' || isWithoutProxy(api, noProxy)) return null;
  const proxy = URL.parse(value);
  if (proxy === null || !/^https?:$/.test(proxy.protocol) || !hasReadableLogin(proxy)) {
    throw new ConfigError([
      `${variable}: must be the URL of an HTTP proxy, such as http://proxy.internal:3128; or exclude the API with NO_PROXY`,
    ]);
  }
  return proxy;
}

function hasReadableLogin({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** Returns how a proxy refused to pass a request on; `null` for every other error. Such a request did not reach the API. */
export function refusalByProxy(error: Error): string | null {
  const [, status] = /^Proxy (?:response|Authentication Required) \((\d{3})\)/.exec(error.message) ?? [];
  return status === undefined ? null : `the proxy answered ${status}`;
}
