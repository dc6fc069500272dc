import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';

/**
 * Cookies know no ports: two consoles on one machine would take each other's, so the port is in the name.
 */
function nameOf(context: Context, name: string): string {
  const port = /:(\d+)$/.exec(context.req.header('host') ?? '')?.[1];
  return port === undefined ? `kitechat_${name}` : `kitechat_${name}_${port}`;
}

export function readCookie(context: Context, name: string): string | undefined {
  return getCookie(context, nameOf(context, name));
}

/** @param maxAgeMs 0 takes the cookie away */
export function writeCookie(context: Context, name: string, value: string, maxAgeMs: number): void {
  setCookie(context, nameOf(context, name), value, {
    httpOnly: true,
    sameSite: 'Strict',
    path: '/',
    maxAge: Math.floor(maxAgeMs / 1000),
    secure: isHttps(context),
  });
}

/** Also behind a proxy that speaks https for us. The worst that a forged header does is a cookie that does not come back. */
function isHttps(context: Context): boolean {
  return context.req.url.startsWith('https:') || context.req.header('x-forwarded-proto') === 'https';
}
