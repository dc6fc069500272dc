import { noteErrors, noteNodeErrors } from '../redis/ready.ts';
import { type Cluster, Redis, type RedisOptions } from 'ioredis';
import { batchWrites } from '../redis/write-batching.ts';
import { type LaneRedis, withLaneCommands } from '../lanes/commands.ts';
import { parseRedisAddresses, type RedisAddresses } from '../config/redis-addresses.ts';
import { type ClusterSettings, connectCluster, type RedisClient } from '../redis/cluster.ts';

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
const CLUSTER_SILENCE_MS = 15_000;

/**
 * Opens a connection for callers that need an answer soon. A command fails at once if Redis is away, and fails if the connection
 * is lost: if it were sent again, it could run twice, or be refused although it was carried out the first time.
 *
 * @param silenceMs if an answer is due and none has come for this long, the connection is replaced by a new one
 * @param name the client name of the connection in Redis
 */
export function connectFailingFast(url: string, silenceMs: number, name?: string): LaneRedis {
  const options: ConnectionOptions = {
    ...common,
    ...(name !== undefined && { connectionName: name }),
    maxRetriesPerRequest: 0,
    socketTimeout: silenceMs,
    // A Redis that doesn't answer when the connection closes must not delay the end of the program.
    disconnectTimeout: 500,
  };
  const addresses = parseRedisAddresses(url);
  if (addresses.isCluster) {
    const cluster = clusterOf(addresses, {
      redisOptions: options,
      // A slot may move to a node that is not connected yet; until it is, commands may wait.
      enableOfflineQueue: true,
      retryDelayOnFailover: 0,
      // A redirected command has not run yet, so redirecting is safe; no caller waits longer than this many redirections take.
      maxRedirections: Math.ceil((2 * silenceMs) / ASK_AGAIN_MS),
    });
    cluster.on('+node', unref);
    return cluster;
  }
  const redis = redisOf(url, { ...options, enableOfflineQueue: false });
  unref(redis);
  return redis;
}

/** Prevents an idle connection from keeping the program alive. A call under way still does, through the timer of its deadline. */
function unref(redis: Redis): void {
  redis.on('connect', () => redis.stream.unref());
}

/** Opens a connection for workers, on which commands wait without a time limit until Redis is back. */
export function connectPatiently(url: string, name?: string): LaneRedis {
  const options: ConnectionOptions = {
    ...common,
    ...(name !== undefined && { connectionName: name }),
    maxRetriesPerRequest: null,
  };
  const addresses = parseRedisAddresses(url);
  if (!addresses.isCluster) return redisOf(url, options);
  return clusterOf(addresses, {
    // A node that is cut off stays silent, while another node takes over its slots.
    redisOptions: { ...options, socketTimeout: CLUSTER_SILENCE_MS },
    retryDelayOnFailover: ASK_AGAIN_MS,
    // While a slot moves, two nodes may redirect to each other, which must not become a loop without a pause.
    retryDelayOnMoved: 10,
    maxRedirections: Infinity,
  });
}

function redisOf(url: string, options: Omit<RedisOptions, 'replyMapping'>): Redis & LaneRedis {
  const redis = new Redis(url, { ...options, retryStrategy: reconnectDelayMs });
  batchWrites(redis);
  return withListeners(redis);
}

function clusterOf(addresses: RedisAddresses, options: ClusterSettings): Cluster & LaneRedis {
  const cluster = connectCluster(addresses, {
    ...options,
    clusterRetryStrategy: reconnectDelayMs,
    retryDelayOnClusterDown: ASK_AGAIN_MS,
    retryDelayOnTryAgain: ASK_AGAIN_MS,
  });
  cluster.on('+node', (node: Redis) => {
    batchWrites(node);
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
