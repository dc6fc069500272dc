import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { openDeadLetters } from '../../dead-letters/index.ts';
import type { Config } from '../../shared/config/config.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import { ConfigError } from '../../shared/errors/errors.ts';
import { isInternalError } from '../../shared/errors/failed-calls.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { LogSink } from '../../shared/log-sink.ts';
import type { Logger } from '../../shared/logger.ts';
import { pingNode } from '../../shared/redis/cluster.ts';
import { createSession, type Session } from '../../shared/session/session.ts';
import type { KitechatWorker } from '../../worker/index.ts';
import { openTokens } from '../access/tokens.ts';
import { READ_TIMEOUT_MS } from '../facts/deps.ts';
import { judgeHealth } from '../observe/health.ts';
import { DEFAULT_CONSOLE_PORT, demandToken, listenAt } from './address.ts';
import { createApp } from './app.ts';
import { boundConnections, connectionTimes } from './connections.ts';
import { createMetrics } from '../observe/metrics.ts';
import { createFactsReader } from '../observe/facts.ts';

export interface HttpOptions {
  config: Config;
  /** The worker whose health and metrics are served; `null` for a console without a worker. */
  worker: KitechatWorker | null;
  logger: Logger;
  /** Where the worker logs to, for its metrics; not needed without a worker. */
  log?: Pick<LogSink, 'dropped'>;
  /** Where the console reads messages that Redis has forgotten. */
  ledger?: Pick<Ledger, 'read'> | null;
}

export interface HttpServer {
  /** The URL of the console. */
  url: string;
  close(): Promise<void>;
}

/** Less than 1 s, the default time-out of a probe in orchestrators. */
const PROBE_MS = 700;
/** The time that answers in progress may take when the server closes. */
const CLOSING_MS = 500;

/**
 * Serves health, metrics and the console until it is closed. Redis may be away: each request asks it anew, on a connection
 * that is not the worker's.
 *
 * @throws ConfigError if the server can't listen on the port, or if the host is not loopback and there is no token; without
 * a worker also if the namespace in Redis was set up with another number of shards.
 * @example
 * const http = await startHttp({ config: loadConfig(process.env), worker: null, logger });
 */
export async function startHttp({ config, worker, logger, log, ledger }: HttpOptions): Promise<HttpServer> {
  demandToken(config);
  const tokens = openTokens(config, logger);
  const { namespace, shards, httpHost, httpPort = DEFAULT_CONSOLE_PORT } = config;
  const patience = { ...config, enqueueTimeoutMs: READ_TIMEOUT_MS };
  const session = createSession(patience);
  const deadLetters = openDeadLetters(patience);
  const closing = new AbortController();
  const app = createApp({
    config,
    tokens,
    session,
    deadLetters,
    ledger,
    log: logger,
    closing: closing.signal,
    metrics: createMetrics({
      worker,
      log,
      readFacts: createFactsReader({ session, deadLetters, namespace, shards, log: logger }),
    }),
    readHealth: async () =>
      judgeHealth({ worker: worker?.health() ?? null, redisAnswers: await doesRedisAnswer(session, logger) }),
  });
  // The adapter's own Request and Response must not replace the global ones, which the worker sends with.
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer(connectionTimes, (request, response) => void answer(request, response));
  boundConnections(server);
  const close = async (): Promise<void> => {
    closing.abort();
    await closeServer(server);
    await Promise.all([session.close(), deadLetters.close()]);
  };
  try {
    // A worker checks the number of shards itself.
    if (worker === null) await demandShards(session);
    const url = await listenAt(server, httpHost, httpPort);
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function doesRedisAnswer(session: Session, log: Logger): Promise<boolean> {
  try {
    await session.read(0, deadlineIn(PROBE_MS), ({ redis, root }) => pingNode(redis, root));
    return true;
  } catch (error) {
    if (isInternalError(error)) log.error({ err: error }, 'the probe of Redis failed');
    return false;
  }
}

/** Fails at the start if the number of shards is wrong, instead of on every page. If Redis is away, the server starts anyway. */
async function demandShards(session: Session): Promise<void> {
  try {
    await session.read(0, deadlineIn(READ_TIMEOUT_MS), ({ redis, root }) => pingNode(redis, root));
  } catch (error) {
    if (error instanceof ConfigError || isInternalError(error)) throw error;
  }
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
