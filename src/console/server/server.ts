import { openDeadLetters } from '../../dead-letters/index.ts';
import type { Config } from '../../shared/config/config.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import { ConfigError } from '../../shared/errors/errors.ts';
import { isInternalError } from '../../shared/errors/failed-calls.ts';
import { type LazyLedger, lazyLedger } from '../../shared/ledger/lazy-ledger.ts';
import type { LogSink } from '../../shared/logging/log-sink.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { pingNode } from '../../shared/redis/cluster.ts';
import { createSession, type Session } from '../../shared/session/session.ts';
import type { KitechatWorker } from '../../worker/index.ts';
import { openTokens } from '../access/tokens.ts';
import { READ_TIMEOUT_MS } from '../facts/deps.ts';
import { judgeHealth } from '../observe/health.ts';
import { DEFAULT_CONSOLE_PORT, demandToken, listenAt } from './address.ts';
import { createApp } from './app.ts';
import { createMetrics } from '../observe/metrics.ts';
import { createFactsReader } from '../observe/facts.ts';
import { doesRedisAnswer } from './probe.ts';
import { prepareServer } from './prepare-server.ts';

export interface HttpOptions {
  config: Config;
  /** The worker whose health and metrics are served; `null` for a console without a worker. */
  worker: KitechatWorker | null;
  logger: Logger;
  /** Where the worker logs to, for its metrics; not needed without a worker. */
  log?: Pick<LogSink, 'dropped'>;
  /** Where the console reads messages that Redis has forgotten; by default the ledger of the settings. */
  ledger?: LazyLedger | null;
}

export interface HttpServer {
  /** The URL of the console. */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves health, metrics and the console until it is closed. Redis may be away: each request asks it anew, on a connection
 * that is not the worker's.
 *
 * @throws ConfigError if the server can't listen on the port, or if the host is not loopback and there is no token; without
 * a worker also if the namespace in Redis was set up with another number of shards.
 * @example
 * const http = await startHttp({ config: loadConfig(process.env), worker: null, logger });
 */
export async function startHttp({ config, worker, logger, log, ...given }: HttpOptions): Promise<HttpServer> {
  demandToken(config);
  const tokens = openTokens(config, logger);
  const { namespace, shards, httpHost, httpPort = DEFAULT_CONSOLE_PORT } = config;
  const patience = { ...config, enqueueTimeoutMs: READ_TIMEOUT_MS };
  const session = createSession(patience);
  const deadLetters = openDeadLetters(patience);
  const { ledger = lazyLedger(config.ledger, { namespace, timeoutMs: READ_TIMEOUT_MS }) } = given;
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
  const serving = prepareServer(app);
  const close = async (): Promise<void> => {
    closing.abort();
    await serving.close();
    await Promise.all([session.close(), deadLetters.close(), ledger?.close()]);
  };
  try {
    // A worker checks the number of shards itself.
    if (worker === null) await demandShards(session);
    const url = await listenAt(serving.server, httpHost, httpPort);
    return { url, close };
  } catch (error) {
    await close();
    throw error;
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
