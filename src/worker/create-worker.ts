import { EventEmitter, once } from 'node:events';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { type Config, inWordsOf, resolveConfig, worded } from '../shared/config/config.ts';
import type { WorkerSettings } from '../shared/config/options.ts';
import { ConfigError } from '../shared/errors/errors.ts';
import { connectionName } from '../shared/lanes/keys.ts';
import { createLogger } from '../shared/logger.ts';
import { openShard } from '../shared/lanes/shard.ts';
import { isCluster } from '../shared/redis/cluster.ts';
import { connectPatiently } from '../shared/session/connect.ts';
import { servedShards } from '../shared/config/shard-list.ts';
import { agreeOnShards } from '../shared/session/shard-count.ts';
import type { ResolveApiKey } from './keys/api-keys.ts';
import type { AttemptReport } from './message/attempt-report.ts';
import type { ClassifyResponse } from './message/classify.ts';
import { untilReady, warnIfNotDurable, watchRedis } from './fleet/redis-watch.ts';
import type { Fetch } from './http/fetch-exchange.ts';
import type { Taken } from '../shared/lanes/messages/turn.ts';
import type { KyClient } from './http/ky-exchange.ts';
import { openKeys } from './keys/open-keys.ts';
import { createProgress, type WorkerHealth } from './fleet/progress.ts';
import { createSender } from './http/sender.ts';
import { serveShards } from './serve-shards.ts';

/** Your own code in the worker's path. */
export interface WorkerHooks {
  /** Finds the key for a page, in place of `apiKey` and the files with keys, which are not even read then. */
  resolveApiKey?: ResolveApiKey;
  /** Judges the API's answers where the defaults don't fit; an error in it counts as no opinion. */
  classifyResponse?: ClassifyResponse;
  /** Makes the requests, in place of the worker's pool of connections. */
  fetch?: Fetch;
  /**
   * A ky instance whose hooks sign requests, add headers or log. What its hooks have made of a request leaves by the worker's own
   * pool, or by `fetch`, once: the worker ignores the instance's own retries, time-outs and `fetch`. Hooks share the time of the
   * attempt. A hook that fails before the request has left means `not-sent`; no hook changes the outcome of an answer.
   */
  ky?: KyClient;
  /** Where the worker logs; default: JSON lines on stdout. */
  logger?: Logger;
}

/** Settings that differ from the defaults, and hooks. The environment is not read. */
export interface WorkerOptions extends WorkerSettings, WorkerHooks {}

/** Why a message was taken: see `Taken`. */
export type ClaimVerdict = Taken['verdict'];

export interface WorkerEvents {
  /** An attempt has ended; the same facts as in the log. */
  attempt: [AttemptReport];
  /** A message was picked up: `go` if it is sent now, or why not. */
  claim: [ClaimVerdict];
  /** Redis was found, messages are taken. */
  ready: [];
}

export interface KitechatWorker extends Pick<EventEmitter<WorkerEvents>, 'on'> {
  /**
   * Takes and sends messages until `close` is called. Waits for Redis as long as it takes.
   *
   * @throws ConfigError if a file with keys can't be used, or the namespace in Redis was set up with another number of
   * shards, or has another one now.
   */
  run(): Promise<void>;
  /**
   * Takes no more messages, lets open requests end, gives up those that are still open shortly before `shutdownMs`, and
   * resolves after `shutdownMs` at the latest, even if Redis is away.
   */
  close(): Promise<void>;
  /**
   * What it knows of its own progress, at once and without asking Redis. `kitechat-sender worker` answers `/healthz` from it.
   *
   * @example
   * const { phase, sinceTickMs } = worker.health();
   */
  health(): WorkerHealth;
}

let workersInThisProcess = 0;

/**
 * Makes a worker that delivers messages to the Kitechat API. Nothing happens until `run()`.
 *
 * @throws ConfigError for options that can't work, for less `concurrency` than shards, and if there is no key: neither `apiKey`, `apiKeyFile` or `apiKeysFile`
 * nor `resolveApiKey`.
 * @example
 * const worker = createWorker({ redisUrl: 'redis://127.0.0.1:6379', apiKey });
 * process.once('SIGTERM', () => void worker.close());
 * await worker.run();
 */
export function createWorker(options: WorkerOptions): KitechatWorker {
  const { resolveApiKey, classifyResponse, fetch, ky, logger: givenLogger, ...input } = options;
  const config = resolveConfig('createWorker', input);
  const served = servedShards(config);
  inWordsOf(config.source, () => demandUsable(config, served, resolveApiKey !== undefined));
  workersInThisProcess += 1;
  const nth = workersInThisProcess > 1 ? `-${workersInThisProcess}` : '';
  const workerId = `${hostname()}-${process.pid}${nth}`;
  const logger = givenLogger ?? createLogger({ level: config.logLevel });
  const events = new EventEmitter<WorkerEvents>();
  const stopping = new AbortController();
  const progress = createProgress({ ...config, workerId });
  let running: Promise<void> | undefined;

  /** They are told in the middle of a message's way, and must not stop it there. */
  const tellListeners = (tell: () => void): void => {
    try {
      tell();
    } catch (error) {
      logger.error({ err: error }, 'a listener of the worker failed; the worker goes on');
    }
  };

  const deliver = async (): Promise<void> => {
    const keys = await openKeys({ config, resolveApiKey, logger });
    const redis = connectPatiently(config.redisUrl, connectionName(config.namespace));
    const sender = createSender(config, { fetch, ky, logger });
    watchRedis(redis, logger, stopping.signal);
    progress.watch(redis);
    let unusable: ConfigError | undefined;
    const demandShards = async (): Promise<void> => {
      try {
        await agreeOnShards(redis, config.namespace, config.shards);
      } catch (error) {
        if (!(error instanceof ConfigError)) return;
        unusable = error;
        stopping.abort();
      }
    };
    try {
      if (!(await untilReady(redis, stopping.signal))) return;
      await warnIfNotDurable(redis, logger);
      await agreeOnShards(redis, config.namespace, config.shards);
      const shards = await Promise.all(served.map((index) => openShard(redis, config.namespace, index)));
      const service = await serveShards({
        redis,
        shards,
        config,
        workerId,
        sender,
        resolveApiKey: keys.resolveApiKey,
        sealing: keys.sealing,
        classifyResponse,
        logger,
        progress,
        report: (report) => tellListeners(() => events.emit('attempt', report)),
        claimed: (verdict) => tellListeners(() => events.emit('claim', verdict)),
      });
      // Whoever changes the number of shards either sees that this worker is here, or is seen by it.
      await demandShards();
      redis.on('ready', () => void demandShards());
      if (isCluster(redis)) redis.on('-node', () => void demandShards());
      progress.enter('taking');
      events.emit('ready');
      if (!stopping.signal.aborted) await once(stopping.signal, 'abort');
      progress.enter('draining');
      logger.info({ workerId, open: progress.health().sending }, 'takes no more messages and ends what is open');
      await service.drain();
      logger.info({ workerId }, 'ended');
      if (unusable) throw unusable;
    } finally {
      progress.enter('ended');
      keys.close();
      await sender.close();
      redis.disconnect();
    }
  };

  return {
    run: () => (running ??= deliver().catch((error: unknown) => Promise.reject(worded(error, config.source) as Error))),
    async close() {
      stopping.abort();
      // How the run ended is told to whoever awaits `run`.
      await running?.catch(() => {});
    },
    on: events.on.bind(events),
    health: () => progress.health(),
  };
}

/** @throws ConfigError for settings that can't work together. */
function demandUsable(config: Config, served: readonly number[], hasHook: boolean): void {
  const { apiKey, apiKeyFile, apiKeysFile, concurrency } = config;
  if (!hasHook && (apiKey ?? apiKeyFile ?? apiKeysFile) === undefined) {
    throw new ConfigError([
      'KITECHAT_API_KEY (or KITECHAT_API_KEY_FILE) is missing, and so is KITECHAT_API_KEYS_FILE: without a key, or the hook resolveApiKey, nothing can be sent',
    ]);
  }
  if (served.length > concurrency) {
    throw new ConfigError([
      `KITECHAT_CONCURRENCY is ${concurrency}, and this worker serves ${served.length} shards: each needs a place, so raise it, or let the worker serve fewer with KITECHAT_SERVE_SHARDS`,
    ]);
  }
}
