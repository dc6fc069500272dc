import { isLoopbackHost } from '../../shared/config/loopback.ts';

const PORT = /:\d{1,5}$/;

/**
 * Whether a `Host` header names this machine. Another site can point its own name here (DNS rebinding); the browser then
 * treats the console as that site's server, and only the header shows it.
 */
export function isLoopbackHeader(header: string | undefined): boolean {
  return header !== undefined && isLoopbackHost(header.replace(PORT, ''));
}

export interface ChangeHeaders {
  host: string | undefined;
  origin: string | undefined;
  fetchSite: string | undefined;
}

/**
 * Whether a request that changes something comes from a page of this console, or not from a browser. Only the host of the
 * origin is compared, because a proxy may terminate https.
 */
export function isSameOrigin({ host, origin, fetchSite }: ChangeHeaders): boolean {
  // Browsers set this header, and no script can.
  if (fetchSite !== undefined && fetchSite !== 'same-origin') return false;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}

/** The path if it is one of this console, as a target for redirects; anything else becomes the overview. */
export function localPath(path: string | undefined): string {
  return path !== undefined && /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(path) ? path : '/';
}
