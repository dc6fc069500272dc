import { noteErrors, noteLoading, noteNodeErrors } from '../redis/ready.ts';
import { type Cluster, Redis, type RedisOptions } from 'ioredis';
import { noteAnswers } from '../redis/doubt.ts';
import { primaryConnector } from '../redis/primary-connector.ts';
import { createRefusals } from '../redis/refusals.ts';
import { batchWrites } from '../redis/write-batching.ts';
import { type LaneRedis, withLaneCommands } from '../lanes/commands.ts';
import { currentAccess, type RedisAccess, type RedisSettings, renewedAccess } from '../config/redis-access.ts';
import type { RedisAddress } from '../config/redis-place.ts';
import { type ClusterSettings, connectCluster, type RedisClient } from '../redis/cluster.ts';
import { connectionOptions, loginOptions } from '../redis/connection-options.ts';
import { demandDatabase } from '../redis/selected-database.ts';
import { renewLogin } from '../redis/renewed-login.ts';
import { PrimaryBySentinel } from '../redis/sentinel-connector.ts';
import { addSentinelCodes } from '../redis/sentinel-errors.ts';

/** Reconnects quickly at first, and then at least once a second, so that work goes on soon after an outage. */
function reconnectDelayMs(times: number): number {
  const delayMs = Math.min(100 * 2 ** Math.min(times, 10), 1000);
  return delayMs / 2 + Math.random() * (delayMs / 2);
}

type ConnectionOptions = ClusterSettings['redisOptions'];

const common: ConnectionOptions = {
  connectTimeout: 5000,
  // Client info needs a right for the Redis user that older servers don't know.
  disableClientInfo: true,
  // While Redis loads its data, ioredis asks at least this often, even if Redis estimates a longer time.
  maxLoadingRetryTime: 1000,
};

/** The pause before a command is repeated that a node of a cluster did not carry out (CLUSTERDOWN, TRYAGAIN, failover). */
const ASK_AGAIN_MS = 100;
/** Longer than the ten seconds that BullMQ waits for work in one command. */
const SILENCE_MS = 15_000;
/** A Redis that doesn't answer when the connection closes must delay neither the end of the program nor a failover. */
const DISCONNECT_MS = 500;

/**
 * Opens a connection for callers that need an answer soon. A command fails at once if Redis is away, and fails if the connection
 * is lost: if it were sent again, it could run twice, or be refused although it was carried out the first time. If Redis refuses the
 * database, the connection ends, and its last error is a `ConfigError`.
 *
 * @param silenceMs if an answer is due and none has come for this long, the connection is replaced by a new one
 * @param name the client name of the connection in Redis
 * @param needsPrimary whether calls write, so that a replica is refused; asked when the connection is opened
 * @throws ConfigError for settings and files that can't be used
 */
export function connectFailingFast(
  settings: RedisSettings,
  silenceMs: number,
  name?: string,
  needsPrimary = (): boolean => true,
): LaneRedis {
  const access = currentAccess(settings);
  const options: ConnectionOptions = {
    ...common,
    ...(name !== undefined && { connectionName: name }),
    maxRetriesPerRequest: 0,
    socketTimeout: silenceMs,
    disconnectTimeout: DISCONNECT_MS,
  };
  if (access.addresses.kind === 'cluster') {
    const cluster = clusterOf(access.addresses.nodes, access, {
      redisOptions: options,
      // A slot may move to a node that is not connected yet; until it is, commands may wait.
      enableOfflineQueue: true,
      retryDelayOnFailover: 0,
      // A redirected command has not run yet, so redirecting is safe; no caller waits longer than this many redirections take.
      maxRedirections: Math.ceil((2 * silenceMs) / ASK_AGAIN_MS),
    });
    renewLogin(cluster, loginOf(settings, access));
    cluster.on('+node', unref);
    return cluster;
  }
  const redis = redisOf(access, { ...options, enableOfflineQueue: false }, { isResending: false, needsPrimary });
  renewLogin(redis, loginOf(settings, access));
  demandDatabase(redis, (error) => {
    redis.emit('error', error);
    redis.disconnect();
  });
  unref(redis);
  return redis;
}

/** Prevents an idle connection from keeping the program alive. A call under way still does, through the timer of its deadline. */
function unref(redis: Redis): void {
  redis.on('connect', () => redis.stream.unref());
}

/**
 * Opens a connection for workers, on which commands wait without a time limit until Redis is back. If Redis refuses the database, the
 * connection emits a `ConfigError` as an error and tries again.
 *
 * @param noteProblem called with what can't be used in files that are read again; the last usable login and certificates stay
 * @throws ConfigError for settings and files that can't be used
 */
export function connectPatiently(
  settings: RedisSettings,
  name?: string,
  noteProblem?: (problem: string) => void,
): LaneRedis {
  const access = currentAccess(settings);
  const options: ConnectionOptions = {
    ...common,
    ...(name !== undefined && { connectionName: name }),
    maxRetriesPerRequest: null,
  };
  // A server that is cut off stays silent, while another one takes its place.
  const replaced: ConnectionOptions = { ...options, socketTimeout: SILENCE_MS, disconnectTimeout: DISCONNECT_MS };
  if (access.addresses.kind === 'cluster') {
    const cluster = clusterOf(access.addresses.nodes, access, {
      redisOptions: replaced,
      retryDelayOnFailover: ASK_AGAIN_MS,
      // While a slot moves, two nodes may redirect to each other, which must not become a loop without a pause.
      retryDelayOnMoved: 10,
      maxRedirections: Infinity,
    });
    renewLogin(cluster, loginOf(settings, access, noteProblem));
    return cluster;
  }
  const redis = redisOf(
    access,
    access.addresses.kind === 'sentinel' ? { ...replaced, failoverDetector: true } : options,
    { isResending: true, needsPrimary: () => true },
  );
  renewLogin(redis, loginOf(settings, access, noteProblem));
  demandDatabase(redis, (error) => redis.emit('error', error));
  return redis;
}

/**
 * Returns a function that reads the login again from the files that the settings name.
 *
 * @param noteProblem called once with each thing in the files that can't be used, and again if that returns after it was mended
 */
function loginOf(
  settings: RedisSettings,
  first: RedisAccess,
  noteProblem: (problem: string) => void = () => {},
): () => ReturnType<typeof loginOptions> {
  let access = first;
  let known = new Set<string>();
  return () => {
    const problems = new Set<string>();
    access = renewedAccess(settings, access, (problem) => problems.add(problem));
    for (const problem of problems) if (!known.has(problem)) noteProblem(problem);
    known = problems;
    return loginOptions(access);
  };
}

/** @param isResending whether commands that Redis refused for now are sent again on the next connection */
function redisOf(
  access: RedisAccess,
  options: Omit<RedisOptions, 'replyMapping'>,
  { isResending, needsPrimary }: { isResending: boolean; needsPrimary(): boolean },
): Redis & LaneRedis {
  const refusals = createRefusals({ isResending, delayMs: reconnectDelayMs });
  const isSentinel = access.addresses.kind === 'sentinel';
  const redis = new Redis({
    ...options,
    ...connectionOptions(access, reconnectDelayMs),
    ...refusals.options,
    // ioredis itself asks the server that a sentinel names for its role.
    Connector: isSentinel ? PrimaryBySentinel : primaryConnector(needsPrimary),
  });
  refusals.attach(redis);
  if (isSentinel) addSentinelCodes(redis);
  batchWrites(redis);
  noteAnswers(redis);
  noteLoading(redis);
  return withListeners(redis);
}

function clusterOf(nodes: readonly RedisAddress[], access: RedisAccess, options: ClusterSettings): Cluster & LaneRedis {
  const cluster = connectCluster(nodes, {
    ...options,
    redisOptions: { ...options.redisOptions, ...loginOptions(access) },
    ...(access.natMap && { natMap: access.natMap }),
    clusterRetryStrategy: reconnectDelayMs,
    retryDelayOnClusterDown: ASK_AGAIN_MS,
    retryDelayOnTryAgain: ASK_AGAIN_MS,
  });
  cluster.on('+node', (node: Redis) => {
    batchWrites(node);
    noteAnswers(node);
    // For scripts that must run on this node.
    withLaneCommands(node);
  });
  noteNodeErrors(cluster);
  return withListeners(cluster);
}

function withListeners<Client extends RedisClient>(redis: Client): Client & LaneRedis {
  // Without an error listener ioredis prints each failed connection. Callers see failures in `whenReady` and their commands.
  noteErrors(redis);
  return withLaneCommands(redis);
}
