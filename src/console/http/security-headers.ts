import type { Context } from 'hono';

/** Allows only files of this server, and nothing inline. */
const OURS =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/** bull-board puts inline styles and a `<base>` into the page. */
const BULL_BOARDS =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "font-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'self'";

/** Sets the headers of every answer. Answers that may be cached change `Cache-Control` afterwards. */
export function setSecurityHeaders(context: Context): void {
  context.header('Content-Security-Policy', isBullBoards(context) ? BULL_BOARDS : OURS);
  context.header('X-Content-Type-Options', 'nosniff');
  // Not `no-referrer`, with which browsers send `Origin: null` with our own forms; both keep the referrer within this site.
  context.header('Referrer-Policy', 'same-origin');
  context.header('Cross-Origin-Resource-Policy', 'same-origin');
  context.header('X-Frame-Options', 'DENY');
  context.header('Cache-Control', 'no-store');
}

function isBullBoards({ req }: Context): boolean {
  return req.path === '/queues' || req.path.startsWith('/queues/');
}
