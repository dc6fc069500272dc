import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { AccessEnv } from '../http/visitors.ts';
import { demand } from '../http/permission.ts';
import type { Action } from '../rights/rights.ts';

/** What a visitor needs for a route. */
interface Permit {
  action: Action;
  /** `pages`: the route itself shows and changes only the visitor's pages. `installation`: tokens for some pages are refused. */
  of: 'pages' | 'installation';
}

const look = { action: 'look' } as const;

/** The permit of each route. What a form names, such as a page, the route checks as well. */
export const permits: Readonly<Record<string, Permit>> = {
  'GET /': { ...look, of: 'pages' },
  'GET /traffic.json': { ...look, of: 'installation' },
  'GET /metrics': { ...look, of: 'installation' },
  'GET /pages': { ...look, of: 'pages' },
  'GET /pages/:id': { ...look, of: 'pages' },
  'GET /workers': { ...look, of: 'installation' },
  'GET /find': { ...look, of: 'pages' },
  'GET /actions': { action: 'read actions', of: 'pages' },
  'GET /dead-letters': { ...look, of: 'pages' },
  'GET /dead-letters/job': { ...look, of: 'pages' },
  'GET /dead-letters/:id': { ...look, of: 'pages' },
  'POST /dead-letters/confirm': { action: 'replay', of: 'pages' },
  'POST /dead-letters/start': { action: 'replay', of: 'pages' },
  'POST /dead-letters/job/stop': { action: 'replay', of: 'pages' },
  'POST /dead-letters/:id/replay': { action: 'replay', of: 'pages' },
  'POST /dead-letters/:id/replay-edited': { action: 'edit', of: 'pages' },
  'POST /dead-letters/:id/discard': { action: 'discard', of: 'pages' },
  'POST /dead-letters/:id/settle': { action: 'settle', of: 'pages' },
  'POST /hold': { action: 'hold', of: 'pages' },
  'POST /release': { action: 'release', of: 'pages' },
  'POST /cancel': { action: 'cancel', of: 'pages' },
  'POST /repair': { action: 'repair', of: 'installation' },
  'GET /queues': { ...look, of: 'installation' },
  'ALL /queues/*': { ...look, of: 'installation' },
};

const EVERYTHING = 'ALL /*';
const ASSET = 'GET /assets/';

/** Refuses what the visitor's token does not allow, and every route without a permit. */
export const demandPermit: MiddlewareHandler<AccessEnv> = async (context, next) => {
  const routes = matchedRoutes(context).map(({ method, path }) => `${method} ${path}`);
  const route = routes.find((one) => one !== EVERYTHING);
  // Only the answers "not found" and the files that pages load are for everybody.
  if (route !== undefined && !route.startsWith(ASSET)) {
    const permit = permits[route];
    if (permit === undefined) throw new Error(`${route} has no permit`);
    demand(context, permit.action, permit.of === 'installation' ? 'installation' : 'none');
  }
  await next();
};
