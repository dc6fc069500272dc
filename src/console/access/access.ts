import type { Context, MiddlewareHandler } from 'hono';
import { isLoopbackHeader, isSameOrigin, localPath } from '../http/origin.ts';
import { type Brake, COUNTED_MS, createBrake } from './brake.ts';
import { type ClientOf, createClientOf } from '../http/clients.ts';
import { readCookie, writeCookie } from '../http/cookies.ts';
import type { EndedSessions } from './ended-sessions.ts';
import { CSRF_FIELD, fieldOf, formOf, maxFormBytes } from '../http/forms.ts';
import { signOfProxy } from './forwarding.ts';
import { loginPage } from './login-page.ts';
import { setSecurityHeaders } from '../http/security-headers.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import {
  type AccessEnv,
  createVisitors,
  isEqual,
  SESSION_MS,
  type Visitor,
  type Visitors,
  type VisitorSession,
} from '../http/visitors.ts';
import type { NamedToken } from '../rights/token-list.ts';
import type { ConsoleTokens } from './tokens.ts';
import { createWrongTokenLog } from './wrong-tokens.ts';

export interface AccessDeps {
  /** Without any only requests to a loopback name are let in, and the server must listen only on loopback. */
  tokens: ConsoleTokens;
  /** The proxies that name the address of their client. */
  trustedProxies?: string | undefined;
  ended: EndedSessions;
  log: Logger;
}

interface Guard {
  needsToken: boolean;
  log: Logger;
  visitors: Visitors;
  ended: EndedSessions;
  brake: Brake;
  clientOf: ClientOf;
  logWrongToken(action: string): void;
}

type AccessContext = Context<AccessEnv>;

const SESSION = 'session';
const READING = new Set(['GET', 'HEAD']);
const TOO_MANY = 'Too many wrong tokens were sent. Try again in a few seconds.';
/** Files that pages load, which are the same for everybody. */
const ASSETS = '/assets/';

/**
 * Guards all routes behind it. With a token, every request needs `Authorization: Bearer <token>` or the cookie of a login that has not
 * ended. Without a token, everybody on this machine is let in, under a loopback name and not through a proxy. A request that changes
 * something must come from a page of this console, in a form with the session's CSRF token.
 *
 * @example
 * app.use(createAccess({ tokens: openTokens(config, log), ended: createEndedSessions(session, namespace), log }));
 */
export function createAccess({ tokens, trustedProxies, ended, log }: AccessDeps): MiddlewareHandler<AccessEnv> {
  const needsToken = tokens.current() !== null;
  const guard: Guard = {
    needsToken,
    log,
    ended,
    visitors: createVisitors(tokens.current),
    brake: createBrake(),
    clientOf: createClientOf(trustedProxies),
    logWrongToken: createWrongTokenLog(log),
  };
  return async (context, next) => {
    setSecurityHeaders(context);
    const { req } = context;
    const outsider = needsToken ? null : whyOutsider(context);
    if (outsider !== null) return refuse(context, outsider);
    const isChange = !READING.has(req.method);
    // Browsers and tools send the length of a form; a request without a length is not a form.
    if (isChange && !(Number(req.header('content-length')) <= maxFormBytes(req.path))) {
      return context.text('413: the request is larger than this form of the console can be\n', 413);
    }
    if (isChange && !isFromHere(context)) return refuse(context, 'This request comes from another site.');
    await tokens.refresh();
    if (isChange && req.path === '/login' && needsToken) return await logIn(context, guard);
    const visitor = await visitorOf(context, guard);
    if (visitor instanceof Response) return visitor;
    context.set('visitor', visitor);
    if (isChange && !(await hasCsrfToken(context, visitor))) {
      return refuse(
        context,
        'This form is too old, or is not from this console. Go back, reload the page and try again.',
      );
    }
    // An ended session is as good as none, and one of which Redis can't tell waits for Redis.
    if (visitor.session !== null && !req.path.startsWith(ASSETS) && (await ended.isEnded(visitor.session.id))) {
      return demandLogin(context);
    }
    if (isChange && req.path === '/logout') return await logOut(context, guard, visitor);
    await next();
    return undefined;
  };
}

/** Why a console without a token refuses a request: it is not made by somebody on this machine, as far as can be told. */
function whyOutsider({ req, env }: AccessContext): string | null {
  if (!isLoopbackHeader(req.header('host'))) {
    return 'This console can be opened only under a name of its own machine, such as localhost.';
  }
  const sign = signOfProxy(Object.keys(req.header()), env.incoming.httpVersion);
  if (sign === null) return null;
  return `This console has no token, so it answers nobody who comes through a proxy (${sign}): set KITECHAT_CONSOLE_TOKEN, or open the console directly on its machine.`;
}

function isFromHere({ req }: Context): boolean {
  return isSameOrigin({
    host: req.header('host'),
    origin: req.header('origin'),
    fetchSite: req.header('sec-fetch-site'),
  });
}

/** Returns the visitor, or the answer to somebody who is none. */
async function visitorOf(context: AccessContext, guard: Guard): Promise<Visitor | Response> {
  const { needsToken, visitors } = guard;
  const bearer = bearerOf(context);
  if (bearer !== undefined && needsToken) {
    const token = await judgeToken(context, guard, { text: bearer, action: 'authorize' });
    if (token === 'wrong') return demandLogin(context);
    if (token === 'too-many') return tooMany(context);
    const { name, role, pages } = token;
    return { by: name, who: 'token', role, pages, csrfToken: null, session: null };
  }
  const known = visitors.recognize(readCookie(context, SESSION));
  if (known !== null) return known;
  if (needsToken) return demandLogin(context);
  // Without a token everybody on this machine may read; the session is only for the forms, which only pages have.
  const { cookie, visitor } = visitors.admit(null);
  if (wantsPage(context) && READING.has(context.req.method)) writeCookie(context, SESSION, cookie, SESSION_MS);
  return visitor;
}

/** Returns the token with this text. A wrong one is answered late. */
async function judgeToken(
  { env }: AccessContext,
  { visitors, brake, clientOf, logWrongToken }: Guard,
  { text, action }: { text: string; action: string },
): Promise<NamedToken | 'wrong' | 'too-many'> {
  const client = clientOf(env.incoming);
  if (brake.isFull(client)) return 'too-many';
  const token = visitors.tokenOf(text);
  if (token !== null) return token;
  logWrongToken(action);
  await brake.afterFailure(client);
  return 'wrong';
}

function demandLogin(context: AccessContext): Response | Promise<Response> {
  if (!wantsPage(context)) {
    context.header('WWW-Authenticate', 'Bearer');
    return context.text('401: a token is needed\n', 401);
  }
  const { pathname, search } = new URL(context.req.url);
  const next = context.req.method === 'GET' ? localPath(pathname + search) : '/';
  return context.html(loginPage({ next, problem: null }), 401);
}

async function logIn(context: AccessContext, guard: Guard): Promise<Response> {
  // Judged when the whole form is here, so that guesses can't be collected and then judged all at once.
  const form = await formOf(context);
  const next = localPath(fieldOf(form, 'next'));
  const token = await judgeToken(context, guard, { text: form.get('token') ?? '', action: 'log in' });
  if (token === 'too-many') return tooMany(context);
  if (token === 'wrong') return await context.html(loginPage({ next, problem: 'The token is wrong.' }), 401);
  const { cookie, visitor } = guard.visitors.admit(token);
  writeCookie(context, SESSION, cookie, SESSION_MS);
  guard.log.info({ by: visitor.by, who: visitor.who, action: 'log in', result: 'done' }, 'console: logged in');
  return context.redirect(next, 303);
}

async function logOut(context: AccessContext, guard: Guard, { by, who, session }: Visitor): Promise<Response> {
  const isEverywhere = session === null || (await endEverywhere(guard, session));
  writeCookie(context, SESSION, '', 0);
  const result = isEverywhere ? 'done' : 'done in this process only';
  guard.log.info({ by, who, action: 'log out', result }, 'console: logged out');
  if (isEverywhere) return context.redirect('/', 303);
  const until = new Date(session.endsAtMs).toISOString();
  return context.text(
    `503: This browser is logged out here. Redis did not take it down, so other consoles of this installation accept its session until ${until}. A new KITECHAT_CONSOLE_TOKEN, or a new token in KITECHAT_CONSOLE_TOKENS_FILE, ends it everywhere.\n`,
    503,
  );
}

async function endEverywhere({ ended, log }: Guard, { id, endsAtMs }: VisitorSession): Promise<boolean> {
  try {
    await ended.end(id, endsAtMs);
    return true;
  } catch (error) {
    log.warn({ err: error }, 'console: the end of a session could not be stored');
    return false;
  }
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
  context.header('Retry-After', String(COUNTED_MS / 1000));
  return context.text(`429: ${TOO_MANY}\n`, 429);
}
