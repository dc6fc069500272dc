import { join } from 'node:path';
import { randomPort } from '../../../src/testing/redis/random-port.ts';
import { type CommandProcess, startNode } from '../../support/command-line.ts';
import { writeFiles } from './new-app.ts';
import { newExample } from './new-example.ts';

/** Next doesn't phone home, and doesn't warn of a CI that keeps no cache. */
export const quiet = { NEXT_TELEMETRY_DISABLED: '1', CI: '' };

/** A running server of a Next app. */
export interface NextServer {
  url: string;
  process: CommandProcess;
  /** Asks the route handler of the example to tell a customer. */
  ship(orderId: string, body?: object): Promise<Response>;
  /** Fills in the form of the example, as a browser without JavaScript does. @returns where it is led, and what it sees there */
  submit(fields: Record<string, string>): Promise<{ shown: URL; page: string }>;
  /** Opens the page that enqueues when it is rendered. */
  open(orderId: string): Promise<Response>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Installs the example, and adds what it doesn't show: a page that enqueues when it is rendered. */
export async function newNextApp(): Promise<string> {
  const app = await newExample('next');
  writeFiles(app, { 'app/shipped/[orderId]/page.tsx': ENQUEUING_PAGE });
  return app;
}

const ENQUEUING_PAGE = `
import { tellShipped } from '../../shipping';

export default async function Page({ params }: { params: Promise<{ orderId: string }> }) {
  const { orderId } = await params;
  const { id } = await tellShipped({ orderId, pageId: 'p1', conversationId: 'c1' });
  return <p data-id={id} />;
}
`;

/** Starts `next start` or `next dev`, with its options. */
export async function startNext(
  app: string,
  [command, ...options]: ['start' | 'dev', ...string[]],
  env: Record<string, string>,
): Promise<NextServer> {
  const port = String(randomPort());
  const program = join(app, 'node_modules/next/dist/bin/next');
  return await serve(port, [program, command, app, ...options, '--port', port, '--hostname', '127.0.0.1'], env);
}

/** The server that `output: 'standalone'` has built. */
export async function startStandalone(folder: string, env: Record<string, string>): Promise<NextServer> {
  const port = String(randomPort());
  return await serve(port, [join(folder, 'server.js')], { ...env, PORT: port, HOSTNAME: '127.0.0.1' });
}

async function serve(port: string, args: readonly string[], env: Record<string, string>): Promise<NextServer> {
  const server = startNode(args, { ...quiet, ...env });
  // It ends its own processes. It has ended when all of them have closed the output that they share.
  const stop = async (): Promise<void> => {
    server.kill('SIGTERM');
    await server.ended();
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await server.lineWhere('stdout', (line) => line.includes('Ready in'));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    process: server,
    ship: async (orderId, body = { pageId: 'p1', conversationId: 'c1' }) =>
      await fetch(`${url}/api/orders/${orderId}/shipped`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    submit: async (fields) => await submit(url, fields),
    open: async (orderId) => await fetch(`${url}/shipped/${orderId}`),
    [Symbol.asyncDispose]: stop,
  };
}

async function submit(url: string, fields: Record<string, string>): Promise<{ shown: URL; page: string }> {
  const page = await (await fetch(url)).text();
  const body = new FormData();
  // Names the action.
  for (const [, name = ''] of page.matchAll(/<input type="hidden" name="([^"]+)"/g)) body.set(name, '');
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  const answer = await fetch(url, { method: 'POST', body, headers: { origin: url } });
  return { shown: new URL(answer.url), page: await answer.text() };
}
