import { createBullBoard } from '@bull-board/api';
import { HonoAdapter } from '@bull-board/hono';
import { serveStatic } from '@hono/node-server/serve-static';
import { openQueues, type ShardQueues } from '../../shared/lanes/queues.ts';
import type { Shard } from '../../shared/lanes/shard.ts';
import { judgeFailedCall } from '../../shared/errors/failed-calls.ts';
import { pingNode } from '../../shared/redis/cluster.ts';
import { nothingWritten } from '../../shared/session/calls.ts';
import type { DeskApp, DeskDeps } from '../facts/deps.ts';
import { soon } from '../facts/reading.ts';
import { show } from '../html/layout.ts';
import { notice } from '../html/parts.ts';
import { boardFiles } from './board-files.ts';
import { boardVersion } from './board-version.ts';
import { BadFormError } from '../http/forms.ts';
import { queryProblem } from './query.ts';
import { createReadOnlyQueue } from './read-only-queue.ts';

const BASE = '/queues';
/** bull-board's page loads a font from another server, which the CSP would block. */
const FOREIGN_LINK = /<link href="https:[^>]*>/g;
/** The link back is inserted after this tag: bull-board offers links only in a menu behind an icon. */
const BODY = /<body[^>]*>/;
const BACK =
  '<a href="/" style="position:fixed;right:1rem;bottom:1rem;z-index:10;padding:.4rem .75rem;border:1px solid #566273;' +
  'border-radius:6px;background:#fff;color:#1f5f9f">Back to the console</a>';

interface OpenedQueues extends ShardQueues {
  shard: Shard;
}

/** bull-board for the raw jobs: read-only, and without the content of messages unless it may be shown. */
export function addQueueRoutes(app: DeskApp, deps: DeskDeps): void {
  const files = boardFiles();
  if (files === undefined) addHowToInstall(app);
  else addBoard(app, deps, files);
}

function addHowToInstall(app: DeskApp): void {
  app.get(BASE, (context) =>
    show(context, {
      title: 'Queues',
      section: 'Queues',
      status: 501,
      body: notice(
        'quiet',
        `The board of BullMQ's jobs is not installed: run "npm install @bull-board/ui@${boardVersion}" where kitechat-sender is installed, and start this program again.`,
      ),
    }),
  );
}

function addBoard(app: DeskApp, { config, session }: DeskDeps, files: string): void {
  const adapter = new HonoAdapter(serveStatic);
  adapter.setBasePath(BASE);
  const board = createBullBoard({
    queues: [],
    serverAdapter: adapter,
    options: {
      uiBasePath: files,
      uiConfig: { boardTitle: 'Queues', hideRedisDetails: true, hideDocsLink: true },
    },
  });
  // bull-board's own handler shows the messages of errors, which can hold anything. A query that Redis refuses is not an absent Redis.
  adapter.setErrorHandler((error) => {
    if (judgeFailedCall(error).what === 'refused') throw error;
    throw nothingWritten(error, 'Redis refused the query', { reading: true });
  });
  let shown: readonly OpenedQueues[] = [];
  const opened = new WeakMap<Shard, Promise<OpenedQueues>>();

  /** Opens the queues of a shard once for each connection. */
  async function queuesOf(shard: Shard): Promise<OpenedQueues> {
    // Checked here, because bull-board itself would wait for a Redis that is away.
    await pingNode(shard.redis, shard.root);
    const opening = opened.get(shard) ?? openQueues(shard).then((queues) => ({ ...queues, shard }));
    opened.set(shard, opening);
    try {
      return await opening;
    } catch (error) {
      if (opened.get(shard) === opening) opened.delete(shard);
      throw error;
    }
  }

  /** Replaces the queues of the board if a session has lost its connection and opened a new one. */
  async function showQueues(): Promise<void> {
    const ofShards = await session.readEach(soon(), queuesOf);
    if (ofShards.every((queues, index) => queues === shown[index]) && ofShards.length === shown.length) return;
    shown = ofShards;
    board.replaceQueues(
      ofShards.flatMap(({ send, dead, shard }, index) => {
        const prefix = ofShards.length === 1 ? '' : `${index}-`;
        const showContent = config.consoleShowContent;
        return [send, dead].map((queue) => createReadOnlyQueue(queue, { shard, prefix, showContent }));
      }),
    );
  }

  app.use(`${BASE}/*`, async (context, next) => {
    if (context.req.method !== 'GET') return context.json({ error: 'The queues are read-only here.' }, 403);
    if (context.req.path.startsWith(`${BASE}/static/`)) {
      await next();
      // The names of these files change with their content.
      context.header('Cache-Control', 'private, max-age=86400');
      return undefined;
    }
    const problem = queryProblem(new URL(context.req.url).searchParams);
    if (problem !== null) throw new BadFormError(problem);
    await showQueues();
    await next();
    if (context.res.status >= 500 && context.error === undefined) throw new Error('bull-board failed to answer');
    if (context.res.headers.get('content-type')?.startsWith('text/html')) {
      const page = (await context.res.text()).replaceAll(FOREIGN_LINK, '').replace(BODY, (body) => body + BACK);
      context.res = new Response(page, { status: context.res.status, headers: context.res.headers });
    }
    return undefined;
  });
  const queues = adapter.registerPlugin();
  // bull-board's copy of Hono would print the error and answer by itself.
  queues.onError((error) => {
    throw error;
  });
  app.route(BASE, queues);
}
