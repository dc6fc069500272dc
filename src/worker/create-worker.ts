import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type Config, inWordsOf, resolveConfig, worded, wordedText } from '../shared/config/config.ts';
import { exposuresOfWorker } from '../shared/config/exposures.ts';
import { describeRedisUrl } from '../shared/config/redis-addresses.ts';
import { describeApi } from '../shared/config/site.ts';
import type { WorkerSettings } from '../shared/config/options.ts';
import { ConfigError } from '../shared/errors/errors.ts';
import { isInternalError } from '../shared/errors/failed-calls.ts';
import { connectionName } from '../shared/lanes/key-names.ts';
import { createLogger } from '../shared/logging/logger.ts';
import { openQueues, type ShardQueues } from '../shared/lanes/queues.ts';
import { shardOn } from '../shared/lanes/shard.ts';
import { isCluster } from '../shared/redis/cluster.ts';
import { connectPatiently } from '../shared/session/connect.ts';
import { servedShards } from '../shared/config/shard-list.ts';
import { agreeOnShards } from '../shared/session/shard-count.ts';
import { demandNodeForWorkers } from '../shared/runtime.ts';
import { version } from '../shared/version.ts';
import type { AttemptReport } from './message/attempt-report.ts';
import { untilReady, warnIfNotDurable, watchRedis } from './fleet/redis-watch.ts';
import type { Taken } from '../shared/lanes/messages/settle-and-take.ts';
import { readApiTls } from './http/api-tls.ts';
import { proxyFor } from './http/proxy.ts';
import { openKeys } from './keys/open-keys.ts';
import { untilWilling } from './fleet/until-willing.ts';
import { watchSilence } from './fleet/silence-watch.ts';
import { createProgress, type WorkerHealth } from './fleet/progress.ts';
import { demandHooks } from './demand-hooks.ts';
import type { WorkerHooks } from './worker-hooks.ts';
import { createSender } from './http/sender.ts';
import { type Service, serveShards } from './serve-shards.ts';

/** Settings that differ from the defaults, and hooks. The environment is not read: `redisUrl: process.env.REDIS_URL` takes from it. */
export interface WorkerOptions extends WorkerSettings, WorkerHooks {}

/**
 * What to do with a message that was taken.
 *
 * - `go`: send it.
 * - `expired`: it is older than its TTL, and becomes a dead letter.
 * - `unknown`: its last worker died in mid-send; the policy for unknown outcomes decides.
 * - `crashed`: the same, once too often; it becomes a dead letter.
 */
export type ClaimVerdict = Taken['verdict'];

export interface WorkerEvents {
  /** An attempt has ended; the report has the same facts as the log line. */
  attempt: [AttemptReport];
  /** The worker has taken a message: `go` if it sends the message now, otherwise why it doesn't. */
  claim: [ClaimVerdict];
  /**
   * Redis or BullMQ answered with an error, and the worker repeats what failed; the code says which error, such as `OOM`. The log has
   * one line for the first error of each code.
   */
  engineError: [code: string];
  /** The worker has connected to Redis and takes messages. */
  ready: [];
}

export interface KitechatWorker {
  /** Calls the listener at each such event. An error of the listener is logged and does not stop the worker. */
  on<Name extends keyof WorkerEvents>(event: Name, listener: (...args: WorkerEvents[Name]) => void): KitechatWorker;
  /**
   * Takes and sends messages until `close` is called. If Redis is away, it waits for Redis without a time limit.
   *
   * @throws ConfigError if a file with keys or certificates can't be used, or if the namespace in Redis has another number of shards, at the
   * start or later.
   */
  run(): Promise<void>;
  /**
   * Stops taking messages and lets open requests end. Gives up requests that are still open shortly before `shutdownMs`, and
   * resolves after `shutdownMs` at the latest, even if Redis is away.
   */
  close(): Promise<void>;
  /**
   * Returns facts about the worker's own progress, synchronously and without asking Redis. `kitechat-sender worker` answers `/healthz`
   * with them.
   *
   * @example
   * const { phase, sinceTickMs } = worker.health();
   */
  health(): WorkerHealth;
}

/**
 * Creates a worker that delivers messages to the Kitechat API. The worker does nothing until `run()` is called.
 *
 * @param options settings that differ from the defaults, and hooks; environment variables are not read.
 * @throws ConfigError for options that can't work, in Bun and Deno, if `concurrency` is lower than the number of shards, and if none of
 * `apiKey`, `apiKeyFile`, `apiKeysFile` and `resolveApiKey` is given.
 * @example
 * const worker = createWorker({ redisUrl: process.env.REDIS_URL, apiKey: process.env.KITECHAT_API_KEY });
 * process.once('SIGTERM', () => void worker.close());
 * await worker.run();
 */
export function createWorker(options: WorkerOptions = {}): KitechatWorker {
  demandNodeForWorkers();
  const {
    resolveApiKey,
    classifyResponse,
    beforeSend,
    resolveUnknown,
    fetch,
    ky,
    logger: givenLogger,
    ...input
  } = options;
  const config = resolveConfig('createWorker', input);
  demandHooks({ resolveApiKey, classifyResponse, beforeSend, resolveUnknown, fetch }, givenLogger);
  const served = servedShards(config);
  inWordsOf(config.source, () => demandUsable(config, served, resolveApiKey !== undefined));
  // A `fetch` of the caller makes its own connections.
  const proxy = fetch ? null : inWordsOf(config.source, () => proxyFor(config));
  const workerId = newWorkerId();
  const logger = givenLogger ?? createLogger({ level: config.logLevel });
  const events = new EventEmitter<WorkerEvents>();
  const stopping = new AbortController();
  const progress = createProgress({ ...config, workerId });
  let running: Promise<void> | undefined;

  /** Calls listeners. Their errors must not stop the message that is being processed. */
  const tellListeners = (tell: () => void): void => {
    try {
      tell();
    } catch (error) {
      logger.error({ err: error }, 'an event listener of the worker threw an error; the worker goes on');
    }
  };

  const deliver = async (): Promise<void> => {
    logger.info({ workerId, version, ...describeEnds(config), shards: config.shards }, 'the worker starts');
    for (const text of exposuresOfWorker(config)) logger.warn({}, wordedText(text, config.source));
    const tls = fetch ? {} : readApiTls(config);
    const keys = await openKeys({ config, resolveApiKey, logger });
    const redis = connectPatiently(config, connectionName(config.namespace), (problem) =>
      logger.warn({}, `${problem}; the worker keeps the last login and certificates that it could read`),
    );
    const sender = createSender({ ...config, proxy, tls }, { fetch, ky, logger });
    // The origin has no user and password.
    if (proxy) logger.info({ proxy: proxy.origin }, 'requests to the API go through a proxy');
    watchRedis(redis, logger, stopping.signal);
    const silence = watchSilence(redis, logger);
    progress.watch(redis);
    let unusable: ConfigError | undefined;
    const demandShards = async (): Promise<void> => {
      try {
        await agreeOnShards(redis, config.namespace, config.shards, { isAgain: true });
      } catch (error) {
        if (isInternalError(error)) {
          logger.error({ err: error }, 'could not check the number of shards; the worker goes on');
        }
        if (!(error instanceof ConfigError)) return;
        unusable = error;
        stopping.abort();
      }
    };
    const shards = served.map((index) => shardOn(redis, config.namespace, index));
    let queues: ShardQueues[] | undefined;
    const serve = async (): Promise<Service> => {
      await agreeOnShards(redis, config.namespace, config.shards);
      queues ??= await Promise.all(shards.map((shard) => openQueues(shard, { setsUp: true })));
      return await serveShards({
        redis,
        shards,
        config,
        workerId,
        sender,
        resolveApiKey: keys.resolveApiKey,
        keySourceOf: keys.keySourceOf,
        sealing: keys.sealing,
        classifyResponse,
        beforeSend,
        resolveUnknown,
        logger,
        progress,
        report: (report) => tellListeners(() => events.emit('attempt', report)),
        claimed: (verdict) => tellListeners(() => events.emit('claim', verdict)),
        engineError: (code) => tellListeners(() => events.emit('engineError', code)),
      });
    };
    const start = async (): Promise<Service | undefined> => {
      await warnIfNotDurable(redis, logger);
      return await untilWilling(serve, { logger, stopping: stopping.signal });
    };
    try {
      if (!(await untilReady(redis, stopping.signal))) return;
      const stopped = untilAborted(stopping.signal);
      // Redis may go away in the middle, and the commands of a worker wait for Redis without a time limit.
      const service = await Promise.race([
        start(),
        stopped.then(async () => await delay(config.shutdownMs, undefined, { ref: false })),
      ]);
      if (!service) return;
      // A change of the number of shards either notices this worker's connections, or is noticed by this check.
      await Promise.race([demandShards(), stopped]);
      redis.on('ready', () => void demandShards());
      if (isCluster(redis)) redis.on('-node', () => void demandShards());
      progress.enter('taking');
      events.emit('ready');
      await stopped;
      progress.enter('draining');
      logger.info(
        { workerId, open: progress.health().sending },
        'the worker stops: it takes no more messages and lets open ones end',
      );
      await service.drain();
      logger.info({ workerId }, 'the worker has stopped');
      if (unusable) throw unusable;
    } finally {
      // Nothing waits for Redis any more, also if the start has failed.
      stopping.abort();
      progress.enter('ended');
      keys.close();
      await sender.close();
      silence.stop();
      redis.disconnect();
    }
  };

  const worker: KitechatWorker = {
    run: () => (running ??= deliver().catch((error: unknown) => Promise.reject(worded(error, config.source) as Error))),
    async close() {
      stopping.abort();
      // The caller of `run` gets its error.
      await running?.catch(() => {});
    },
    on(event, listener) {
      (events as EventEmitter).on(event, listener);
      return worker;
    },
    health: () => progress.health(),
  };
  return worker;
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** Where messages come from and go to, without passwords and keys. */
function describeEnds({ redisUrl, namespace, apiUrl }: Config): { redis: string; namespace: string; api: string } {
  return { redis: describeRedisUrl(redisUrl), namespace, api: describeApi(apiUrl) };
}

/** Containers can share a host name and a process id, as can threads and the worker before a restart. */
function newWorkerId(): string {
  return `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;
}

/** @throws ConfigError for settings that can't work together. */
function demandUsable(config: Config, served: readonly number[], hasHook: boolean): void {
  const { apiKey, apiKeyFile, apiKeysFile, concurrency } = config;
  if (!hasHook && (apiKey ?? apiKeyFile ?? apiKeysFile) === undefined) {
    throw new ConfigError([
      'KITECHAT_API_KEY, KITECHAT_API_KEY_FILE and KITECHAT_API_KEYS_FILE are all missing: without a key or the hook resolveApiKey nothing can be sent; set one of them',
    ]);
  }
  if (served.length > concurrency) {
    throw new ConfigError([
      `KITECHAT_CONCURRENCY is ${concurrency}, but this worker serves ${served.length} shards and each needs at least one place; raise it, or serve fewer shards with KITECHAT_SERVE_SHARDS`,
    ]);
  }
}
