import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import type { AccessEnv } from '../http/visitors.ts';
import { boundConnections, connectionTimes } from './connections.ts';

/** A server that does not listen yet. */
export interface PreparedServer {
  server: Server;
  close(): Promise<void>;
}

/** The time that answers in progress may take when the server closes. */
const CLOSING_MS = 500;

export function prepareServer(app: Hono<AccessEnv>): PreparedServer {
  // The adapter's own Request and Response must not replace the global ones, which the worker sends with.
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer(connectionTimes, (request, response) => void answer(request, response));
  boundConnections(server);
  return { server, close: async () => await closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => {
    server.close(resolve);
  });
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), CLOSING_MS);
  await closed;
  clearTimeout(timer);
}
