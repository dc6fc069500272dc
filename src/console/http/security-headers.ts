import type { Context } from 'hono';

/** Nothing but what this server serves, and nothing that stands inside a page. */
const OURS =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/** bull-board writes its styles into the page, and a `<base>`. */
const BULL_BOARDS =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "font-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'self'";

/** For every answer. Those of files that may be kept change `Cache-Control` afterwards. */
export function setSecurityHeaders(context: Context): void {
  context.header('Content-Security-Policy', isBullBoards(context) ? BULL_BOARDS : OURS);
  context.header('X-Content-Type-Options', 'nosniff');
  // Not `no-referrer`: with that browsers send `Origin: null` with our own forms, and nothing leaves this site either way.
  context.header('Referrer-Policy', 'same-origin');
  context.header('Cross-Origin-Resource-Policy', 'same-origin');
  context.header('X-Frame-Options', 'DENY');
  context.header('Cache-Control', 'no-store');
}

function isBullBoards({ req }: Context): boolean {
  return req.path === '/queues' || req.path.startsWith('/queues/');
}
