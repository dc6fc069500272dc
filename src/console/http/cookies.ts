import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';

/**
 * The port is in the name, because cookies ignore ports: two consoles on one machine would overwrite each other's.
 */
function nameOf(context: Context, name: string): string {
  const port = /:(\d+)$/.exec(context.req.header('host') ?? '')?.[1];
  return port === undefined ? `kitechat_${name}` : `kitechat_${name}_${port}`;
}

export function readCookie(context: Context, name: string): string | undefined {
  return getCookie(context, nameOf(context, name));
}

/** @param maxAgeMs 0 removes the cookie */
export function writeCookie(context: Context, name: string, value: string, maxAgeMs: number): void {
  setCookie(context, nameOf(context, name), value, {
    httpOnly: true,
    sameSite: 'Strict',
    path: '/',
    maxAge: Math.floor(maxAgeMs / 1000),
    secure: isHttps(context),
  });
}

/**
 * Whether the browser uses https, also through a proxy. Everybody may say so: with a forged header, at worst the browser of who forged it
 * doesn't return the cookie. Only the proxy next to the browser knows, and it comes first in a list.
 */
function isHttps({ req }: Context): boolean {
  const said =
    req.header('x-forwarded-proto')?.split(',')[0] ?? /proto="?(\w+)/i.exec(req.header('forwarded') ?? '')?.[1];
  return req.url.startsWith('https:') || said?.trim().toLowerCase() === 'https';
}
