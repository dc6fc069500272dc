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

/** Whether the browser uses https, also through a proxy. With a forged header, at worst the browser doesn't return the cookie. */
function isHttps(context: Context): boolean {
  return context.req.url.startsWith('https:') || context.req.header('x-forwarded-proto') === 'https';
}
