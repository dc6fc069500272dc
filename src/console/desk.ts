import { Hono } from 'hono';
import type { AccessEnv } from './access.ts';
import { createAssets } from './assets.ts';
import { createBulkJobs } from './bulk-jobs.ts';
import { addBulkRoutes } from './bulk-routes.ts';
import { addDeadLetterRoutes } from './dead-letter-routes.ts';
import type { DeskDeps } from './desk-deps.ts';
import { addEntryRoutes } from './entry-routes.ts';
import { answerFailure } from './failures.ts';
import { addFindRoutes } from './find-routes.ts';
import { addHoldRoutes } from './hold-routes.ts';
import { addOverviewRoutes } from './overview-routes.ts';
import { addPageRoutes } from './page-routes.ts';
import { addQueueRoutes } from './queue-routes.ts';
import { addWorkerRoutes } from './worker-routes.ts';
import { show } from './layout.ts';
import { notice } from './parts.ts';

export type DeskApp = Hono<AccessEnv>;

/**
 * The console: every page of it, and what they load. It must stand behind `createAccess`, which says who asks.
 *
 * @example
 * app.use(createAccess({ token: config.consoleToken, log }));
 * app.route('/', createDesk({ config, session, deadLetters, log }));
 */
export function createDesk(deps: DeskDeps): DeskApp {
  const app: DeskApp = new Hono();
  const jobs = createBulkJobs(deps);
  app.route('/', createAssets());
  addOverviewRoutes(app, deps);
  addPageRoutes(app, deps);
  addWorkerRoutes(app, deps);
  addDeadLetterRoutes(app, deps, jobs);
  addBulkRoutes(app, deps, jobs);
  addEntryRoutes(app, deps);
  addFindRoutes(app, deps);
  addHoldRoutes(app, deps);
  addQueueRoutes(app, deps);
  app.all('*', (context) =>
    show(context, {
      title: 'Not found',
      section: null,
      status: 404,
      body: notice('warn', 'There is no such page here.'),
    }),
  );
  app.onError((error, context) => answerFailure(context, error, deps.log));
  return app;
}
