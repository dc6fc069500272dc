import type { DeadWebhooks, Delivery } from '../../notify/index.ts';
import type { Config } from '../../shared/config/config.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { createSession } from '../../shared/session/session.ts';
import { openTokens } from '../access/tokens.ts';
import { READ_TIMEOUT_MS } from '../facts/deps.ts';
import { createNotifyMetrics, judgeNotify } from '../observe/notify.ts';
import { demandToken, listenAt } from './address.ts';
import { createObservedApp } from './app.ts';
import { doesRedisAnswer } from './probe.ts';
import { prepareServer } from './prepare-server.ts';
import type { HttpServer } from './server.ts';

export interface NotifyHttpOptions {
  config: Config;
  port: number;
  delivery: Delivery;
  deadWebhooks: Pick<DeadWebhooks, 'count'>;
  logger: Logger;
}

/**
 * Serves health and metrics of a process that delivers webhooks, until it is closed.
 *
 * @throws ConfigError if the server can't listen on the port, or if the host is not loopback and there is no token
 */
export async function startNotifyHttp(options: NotifyHttpOptions): Promise<HttpServer> {
  const { config, port, delivery, deadWebhooks, logger } = options;
  demandToken(config);
  const session = createSession({ ...config, enqueueTimeoutMs: READ_TIMEOUT_MS });
  const redisAnswers = async (): Promise<boolean> => await doesRedisAnswer(session, logger);
  const serving = prepareServer(
    createObservedApp({
      config,
      session,
      log: logger,
      tokens: openTokens(config, logger),
      metrics: createNotifyMetrics({ delivery, deadWebhooks, redisAnswers }),
      readHealth: async () => judgeNotify(delivery.state(), await redisAnswers()),
    }),
  );
  const close = async (): Promise<void> => {
    await serving.close();
    await session.close();
  };
  try {
    return { url: await listenAt(serving.server, config.httpHost, port), close };
  } catch (error) {
    await close();
    throw error;
  }
}
