import { noteErrors, noteNodeErrors } from '../redis/ready.ts';
import { type Cluster, Redis, type RedisOptions } from 'ioredis';
import { batchWrites } from '../redis/write-batching.ts';
import { type LaneRedis, withLaneCommands } from '../lanes/commands.ts';
import { parseRedisAddresses, type RedisAddresses } from '../config/redis-addresses.ts';
import { type ClusterSettings, connectCluster, type RedisClient } from '../redis/cluster.ts';

/** Quick at first, never slower than once a second: after an outage everything goes on at once. */
function reconnectDelayMs(times: number): number {
  const delayMs = Math.min(100 * 2 ** Math.min(times, 10), 1000);
  return delayMs / 2 + Math.random() * (delayMs / 2);
}

type ConnectionOptions = ClusterSettings['redisOptions'];

const common: ConnectionOptions = {
  connectTimeout: 5000,
  // A Redis user would need a right for that which older servers don't know.
  disableClientInfo: true,
  // While Redis loads its data it is asked this often, whatever it expects itself.
  maxLoadingRetryTime: 1000,
};

/** What a node of a cluster answers before it has done anything (MOVED, ASK, TRYAGAIN, CLUSTERDOWN) is asked again this soon. */
const ASK_AGAIN_MS = 100;
/** The longest that BullMQ waits for work in one command is ten seconds. */
const CLUSTER_SILENCE_MS = 15_000;

/**
 * A connection for callers that must have an answer soon. A command is refused when Redis is away, and fails when the
 * connection is lost: sent again, it could run twice, or be refused after it was carried out the first time.
 *
 * @param silenceMs a connection that owes an answer and stays silent for so long is given up for a new one
 * @param name how Redis lists the connection
 */
export function connectFailingFast(url: string, silenceMs: number, name?: string): LaneRedis {
  const options: ConnectionOptions = {
    ...common,
    ...(name !== undefined && { connectionName: name }),
    maxRetriesPerRequest: 0,
    socketTimeout: silenceMs,
    // A Redis that doesn't answer a goodbye must not hold up the end of a program.
    disconnectTimeout: 500,
  };
  const addresses = parseRedisAddresses(url);
  if (addresses.isCluster) {
    const cluster = clusterOf(addresses, {
      redisOptions: options,
      // A slot may move to a node that was not connected to before: for that moment a command may wait.
      enableOfflineQueue: true,
      retryDelayOnFailover: 0,
      // One that was sent on has done nothing yet. Nobody waits for it longer than this.
      maxRedirections: Math.ceil((2 * silenceMs) / ASK_AGAIN_MS),
    });
    cluster.on('+node', unref);
    return cluster;
  }
  const redis = redisOf(url, { ...options, enableOfflineQueue: false });
  unref(redis);
  return redis;
}

/** An idle connection must not keep a program alive; a call that is under way does, by its deadline. */
function unref(redis: Redis): void {
  redis.on('connect', () => redis.stream.unref());
}

/** A connection for workers: commands wait until Redis is back, however long that takes. */
export function connectPatiently(url: string, name?: string): LaneRedis {
  const options: ConnectionOptions = {
    ...common,
    ...(name !== undefined && { connectionName: name }),
    maxRetriesPerRequest: null,
  };
  const addresses = parseRedisAddresses(url);
  if (!addresses.isCluster) return redisOf(url, options);
  return clusterOf(addresses, {
    // A node that was cut off stays silent, and another one has its slots meanwhile.
    redisOptions: { ...options, socketTimeout: CLUSTER_SILENCE_MS },
    retryDelayOnFailover: ASK_AGAIN_MS,
    // Two nodes that name each other while a slot moves must not be asked without a pause.
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
    // For what must reach this node, and no other one.
    withLaneCommands(node);
  });
  noteNodeErrors(cluster);
  return withListeners(cluster);
}

function withListeners<Client extends RedisClient>(redis: Client): Client & LaneRedis {
  // Without a listener ioredis prints every failed connection. Callers learn of it from `whenReady` and their commands.
  noteErrors(redis);
  return withLaneCommands(redis);
}
