/** Headers that proxies add. `X-Forwarded-For` and its like have too many spellings to list. */
const OF_PROXIES = new Set(['forwarded', 'via', 'x-real-ip', 'x-client-ip', 'x-cluster-client-ip', 'true-client-ip']);
const PREFIXES = /^(?:x-forwarded-|x-original-|x-envoy-|x-proxy|cf-connecting-)/;

/** Returns what shows that a request came through a proxy; `null` if nothing does. */
export function signOfProxy(headerNames: readonly string[], httpVersion: string): string | null {
  const sign = headerNames.find((name) => OF_PROXIES.has(name) || PREFIXES.test(name));
  // nginx adds no header by default, but speaks HTTP/1.0; browsers and tools of today don't.
  return sign ?? (httpVersion === '1.0' ? 'HTTP/1.0' : null);
}
