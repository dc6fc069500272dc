import { Hono } from 'hono';
import { addActionRoutes } from './actions/routes.ts';
import { createAssets } from './http/assets.ts';
import { createBulkJobs } from './dead-letters/bulk-jobs.ts';
import { addBulkRoutes } from './dead-letters/bulk-routes.ts';
import { addDeadLetterRoutes } from './dead-letters/list-routes.ts';
import type { DeskApp, DeskDeps } from './facts/deps.ts';
import { addEntryRoutes } from './dead-letters/entry-routes.ts';
import { answerFailure } from './html/failures.ts';
import { addFindRoutes } from './find/routes.ts';
import { addHoldRoutes } from './holds/routes.ts';
import { addOverviewRoutes } from './overview/routes.ts';
import { addPageRoutes } from './pages/routes.ts';
import { addQueueRoutes } from './queues/routes.ts';
import { addWorkerRoutes } from './workers/routes.ts';
import { show } from './html/layout.ts';
import { notice } from './html/parts.ts';

/**
 * The console: all its pages and their files. It must stand behind `createAccess`, which identifies the visitor, and needs the name of
 * its site.
 *
 * @example
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
  addActionRoutes(app, deps);
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
