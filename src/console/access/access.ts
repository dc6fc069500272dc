import type { Context, MiddlewareHandler } from 'hono';
import { isLoopbackHeader, isSameOrigin, localPath } from '../http/origin.ts';
import { type Brake, createBrake } from './brake.ts';
import { readCookie, writeCookie } from '../http/cookies.ts';
import { CSRF_FIELD, fieldOf, formOf } from '../http/forms.ts';
import { loginPage } from './login-page.ts';
import { setSecurityHeaders } from '../http/security-headers.ts';
import type { Logger } from '../../shared/logger.ts';
import { type AccessEnv, createVisitors, isEqual, SESSION_MS, type Visitor, type Visitors } from '../http/visitors.ts';

export interface AccessDeps {
  /** Without a token only requests to a loopback name are let in, and the server must listen only on loopback. */
  token: string | undefined;
  log: Logger;
  /** The delay of the answer to a wrong token; for tests. */
  failureMs?: number | undefined;
}

interface Guard {
  token: string | undefined;
  log: Logger;
  visitors: Visitors;
  brake: Brake;
}

const SESSION = 'session';
const READING = new Set(['GET', 'HEAD']);
/** Fits the longest message, with line breaks and letters escaped. */
const MAX_BODY_BYTES = 1024 * 1024;
const TOO_MANY = 'Too many wrong tokens were sent. Try again in a few seconds.';

/**
 * Guards all routes behind it. With a token, every request needs `Authorization: Bearer <token>` or the cookie of a login.
 * Without a token, everybody on this machine is let in, under a loopback name. A request that changes something must come from
 * a page of this console, in a form with the session's CSRF token.
 *
 * @example
 * app.use(createAccess({ token: config.consoleToken, log }));
 */
export function createAccess({ token, log, failureMs }: AccessDeps): MiddlewareHandler<AccessEnv> {
  const guard: Guard = { token, log, visitors: createVisitors(token), brake: createBrake(failureMs) };
  return async (context, next) => {
    setSecurityHeaders(context);
    const { req } = context;
    if (token === undefined && !isLoopbackHeader(req.header('host'))) {
      return refuse(context, 'This console can be opened only under a name of its own machine, such as localhost.');
    }
    const isChange = !READING.has(req.method);
    // Browsers and tools send the length of a form; a request without a length is not a form.
    if (isChange && !(Number(req.header('content-length')) <= MAX_BODY_BYTES)) {
      return context.text('413: the request is larger than any form of this console\n', 413);
    }
    if (isChange && !isFromHere(context)) return refuse(context, 'This request comes from another site.');
    if (isChange && req.path === '/login' && token !== undefined) return await logIn(context, guard);
    const visitor = await visitorOf(context, guard);
    if (visitor === null) return await demandLogin(context, guard);
    if (isChange && !(await hasCsrfToken(context, visitor))) {
      return refuse(
        context,
        'This form is too old, or is not from this console. Go back, reload the page and try again.',
      );
    }
    if (isChange && req.path === '/logout') return logOut(context, guard, visitor);
    context.set('visitor', visitor);
    await next();
    return undefined;
  };
}

function isFromHere({ req }: Context): boolean {
  return isSameOrigin({
    host: req.header('host'),
    origin: req.header('origin'),
    fetchSite: req.header('sec-fetch-site'),
  });
}

async function visitorOf(context: Context, { token, visitors, brake }: Guard): Promise<Visitor | null> {
  const bearer = bearerOf(context);
  if (bearer !== undefined && token !== undefined && !brake.isFull() && visitors.isToken(bearer)) {
    return { who: 'token', csrfToken: null, canLogOut: false };
  }
  const known = visitors.recognize(readCookie(context, SESSION));
  if (known !== null || token !== undefined) return known;
  // Without a token everybody on this machine may read; the session is only for the forms, which only pages have.
  const { cookie, visitor } = visitors.admit();
  if (wantsPage(context) && READING.has(context.req.method)) writeCookie(context, SESSION, cookie, SESSION_MS);
  return visitor;
}

async function demandLogin(context: Context, { log, brake }: Guard): Promise<Response> {
  if (bearerOf(context) !== undefined) {
    if (brake.isFull()) return tooMany(context);
    log.warn({ who: 'nobody', action: 'authorize', result: 'wrong token' }, 'console: refused');
    await brake.afterFailure();
  }
  if (!wantsPage(context)) {
    context.header('WWW-Authenticate', 'Bearer');
    return context.text('401: a token is needed\n', 401);
  }
  const { pathname, search } = new URL(context.req.url);
  const next = context.req.method === 'GET' ? localPath(pathname + search) : '/';
  return context.html(loginPage({ next, problem: null }), 401);
}

async function logIn(context: Context, { log, visitors, brake }: Guard): Promise<Response> {
  if (brake.isFull()) return tooMany(context);
  const form = await formOf(context);
  const next = localPath(fieldOf(form, 'next'));
  if (!visitors.isToken(form.get('token') ?? '')) {
    log.warn({ who: 'nobody', action: 'log in', result: 'wrong token' }, 'console: refused');
    await brake.afterFailure();
    return context.html(loginPage({ next, problem: 'The token is wrong.' }), 401);
  }
  const { cookie, visitor } = visitors.admit();
  writeCookie(context, SESSION, cookie, SESSION_MS);
  log.info({ who: visitor.who, action: 'log in', result: 'done' }, 'console: logged in');
  return context.redirect(next, 303);
}

function logOut(context: Context, { log }: Guard, { who }: Visitor): Response {
  writeCookie(context, SESSION, '', 0);
  log.info({ who, action: 'log out', result: 'done' }, 'console: logged out');
  return context.redirect('/', 303);
}

async function hasCsrfToken(context: Context, { csrfToken }: Visitor): Promise<boolean> {
  // No other site can make a browser send an `Authorization` header.
  if (csrfToken === null) return true;
  return isEqual((await formOf(context)).get(CSRF_FIELD) ?? '', csrfToken);
}

function bearerOf({ req }: Context): string | undefined {
  return /^Bearer +(\S+)$/i.exec(req.header('authorization') ?? '')?.[1];
}

function wantsPage({ req }: Context): boolean {
  return req.header('accept')?.includes('text/html') ?? false;
}

function refuse(context: Context, why: string): Response {
  return context.text(`403: ${why}\n`, 403);
}

function tooMany(context: Context): Response {
  context.header('Retry-After', '2');
  return context.text(`429: ${TOO_MANY}\n`, 429);
}
