const LOOPBACK_NAME = /^(?:localhost|[\w-]+(?:\.[\w-]+)*\.localhost|127(?:\.\d{1,3}){3}|\[::1\]|::1)$/i;
const PORT = /:\d{1,5}$/;

/** Whether a server that listens there can only be reached from its own machine. */
export function isLoopbackHost(host: string): boolean {
  return LOOPBACK_NAME.test(host);
}

/**
 * Whether a `Host` header names this machine. A page of another site can have its own name point here (DNS rebinding);
 * then the browser takes it for that site's server, and only the header tells.
 */
export function isLoopbackHeader(header: string | undefined): boolean {
  return header !== undefined && LOOPBACK_NAME.test(header.replace(PORT, ''));
}

export interface ChangeHeaders {
  host: string | undefined;
  origin: string | undefined;
  fetchSite: string | undefined;
}

/**
 * Whether a request that changes something comes from a page of this console, or from no browser at all. Only the host of the
 * origin is compared: a proxy may speak https for us.
 */
export function isSameOrigin({ host, origin, fetchSite }: ChangeHeaders): boolean {
  // Browsers set it and no script can.
  if (fetchSite !== undefined && fetchSite !== 'same-origin') return false;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}

/** A path of this console to go on to after the login; anything else is the overview. */
export function localPath(path: string | undefined): string {
  return path !== undefined && /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(path) ? path : '/';
}
