import { Hono } from 'hono';
import type { Logger } from '../../shared/logging/logger.ts';
import type { AccessEnv } from '../http/visitors.ts';
import { createAccess } from '../access/access.ts';
import { createEndedSessions } from '../access/ended-sessions.ts';
import { demandPermit } from '../access/permits.ts';
import type { ConsoleTokens } from '../access/tokens.ts';
import { AbortedRequestError } from '../http/forms.ts';
import { answerFailure, answerNobody } from '../html/failures.ts';
import { describeSite } from '../../shared/config/site.ts';
import { KitechatSenderError } from '../../shared/errors/errors.ts';
import { createDesk } from '../desk.ts';
import type { DeskDeps } from '../facts/deps.ts';
import type { Health } from '../observe/health.ts';
import type { Metrics } from '../observe/metrics.ts';

export interface ObservedDeps extends Pick<DeskDeps, 'config' | 'session' | 'log'> {
  tokens: ConsoleTokens;
  readHealth(): Promise<Health>;
  metrics: Metrics;
}

/** The whole HTTP app: the probes are open, the metrics and the console are behind the guard. */
export function createApp(deps: ObservedDeps & DeskDeps): Hono<AccessEnv> {
  const app = createObservedApp(deps);
  app.route('/', createDesk(deps));
  return app;
}

/** The app of a process without the console: the probes are open, the metrics are behind the guard. */
export function createObservedApp({
  tokens,
  readHealth,
  metrics,
  config,
  session,
  log,
}: ObservedDeps): Hono<AccessEnv> {
  const { trustedProxies, namespace } = config;
  const site = describeSite(config);
  const app = new Hono<AccessEnv>();
  // Open, since an orchestrator has no token; the answer says only whether this process works.
  app.get('/healthz', async (context) => probeAnswer(context.req.path, (await readHealth()).notAlive));
  app.get('/readyz', async (context) => probeAnswer(context.req.path, (await readHealth()).notReady));
  app.use(async (context, next) => {
    context.set('site', site);
    await next();
  });
  app.use(createAccess({ tokens, trustedProxies, ended: createEndedSessions(session, namespace), log }));
  app.use(demandPermit);
  app.get('/metrics', async (context) =>
    context.body(await metrics.render(), 200, { 'content-type': metrics.contentType }),
  );
  app.onError(async (error, context) => {
    if (error instanceof AbortedRequestError) return answerNobody();
    // The guard could not ask about a visitor's session.
    if (error instanceof KitechatSenderError && context.var.visitor) return await answerFailure(context, error, log);
    logFault(log, error, context.req.path);
    return context.text('500: internal error; the log of this process has the details\n', 500);
  });
  return app;
}

function probeAnswer(path: string, problem: string | null): Response {
  const good = path === '/readyz' ? 'ready' : 'alive';
  const answer = problem === null ? { status: good } : { status: `not ${good}`, reason: problem };
  return Response.json(answer, { status: problem === null ? 200 : 503, headers: { 'cache-control': 'no-store' } });
}

function logFault(log: Logger, error: Error, path: string): void {
  log.error({ err: error, path }, 'the console failed to answer');
}
