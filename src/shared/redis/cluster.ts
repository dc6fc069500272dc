import { Cluster, type ClusterOptions, Command, type Redis, type RedisOptions } from 'ioredis';
import type { RedisAddress } from '../config/redis-place.ts';

/** A connection to one Redis, or the connections to the nodes of a Redis Cluster. */
export type RedisClient = Redis | Cluster;

/** The pause between two looks for a node that is away; a failover takes seconds. */
const LOOK_MS = 50;

export interface ClusterSettings extends Omit<ClusterOptions, 'redisOptions'> {
  redisOptions: Omit<RedisOptions, 'replyMapping' | 'retryStrategy' | 'enableOfflineQueue'>;
}

/** Connects to a Redis Cluster. The connection to a node is opened for the first command for that node. */
export function connectCluster(nodes: readonly RedisAddress[], options: ClusterSettings): Cluster {
  return new Cluster([...nodes], {
    ...options,
    // Keeps the host name: certificates contain names, and a name may resolve to another address the next time.
    dnsLookup: (address, callback) => callback(null, address),
  });
}

export function isCluster(redis: RedisClient): redis is Cluster {
  return redis.isCluster;
}

const slots = new Map<string, number>();
const MAX_SLOTS_KEPT = 1000;

function slotOf(key: string): number {
  const known = slots.get(key);
  if (known !== undefined) return known;
  const slot = new Command('get', [key]).getSlot();
  if (slots.size < MAX_SLOTS_KEPT) slots.set(key, slot);
  return slot;
}

/**
 * Returns the connection to the node that has a key, if it is known: for commands that must reach that node and no other, such as
 * TIME. A single Redis has all keys.
 *
 * @param key a key with a hash tag, such as the root of a shard
 */
export function nodeOf<Client extends RedisClient>(redis: Client, key: string): Client | Redis | undefined {
  if (!isCluster(redis)) return redis;
  const [owner] = redis.slots[slotOf(key)] ?? [];
  if (owner === undefined) return undefined;
  return redis.nodes('master').find(({ options }) => `${options.host}:${options.port}` === owner);
}

/** Returns all nodes that take writes. */
export function mastersOf(redis: RedisClient): Redis[] {
  return isCluster(redis) ? redis.nodes('master') : [redis];
}

/** Sends PING to the node that has a key. Rejects if the node does not answer it. */
export async function pingNode(redis: RedisClient, key: string): Promise<void> {
  await (nodeOf(redis, key) ?? redis).ping();
}

/** Whether a command can leave now. The status alone is not enough: a connection that is closing stays `ready` for a while. */
export function isConnected({ status, stream }: Redis): boolean {
  return status === 'ready' && stream.writable && !leaving.has(stream);
}

/** Connections on which nothing more is sent. */
const leaving = new WeakSet<Redis['stream']>();
/** How long answers have time to arrive. Some proxies drop them as soon as one side ends the connection. */
const LEAVING_MS = 300;

/** Opens a connection anew, but lets the answers to what was sent arrive first. */
export function replaceSoon(redis: Redis): void {
  const { stream } = redis;
  if (leaving.has(stream)) return;
  leaving.add(stream);
  setTimeout(() => {
    // While sentinels are asked where the next connection leads, this would end the attempt, and ioredis makes no other one.
    if (redis.stream === stream && !stream.destroyed) redis.disconnect(true);
  }, LEAVING_MS).unref();
}

interface Wait {
  waiting: number;
  ended: Promise<void>;
}

const waits = new WeakMap<Cluster, Map<number, Wait>>();

/**
 * Waits until the node that has a key can take commands. While that node is unknown, the list of nodes is read again.
 *
 * @returns `false` if that takes longer than `timeoutMs`, or if the connection was closed.
 */
export async function whenNodeReady(redis: RedisClient, key: string, timeoutMs: number): Promise<boolean> {
  if (!isCluster(redis)) return isConnected(redis);
  if (isNodeReady(redis, key)) return true;
  if (timeoutMs <= 0) return false;
  const wait = lookFor(redis, key);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  wait.waiting += 1;
  await Promise.race([wait.ended, late]);
  wait.waiting -= 1;
  clearTimeout(timer);
  return isNodeReady(redis, key);
}

export function isNodeReady(redis: RedisClient, key: string): boolean {
  const node = nodeOf(redis, key);
  return node !== undefined && !isCluster(node) && isConnected(node);
}

/** Starts to look for the node of a slot, once for all calls that wait for it. */
function lookFor(cluster: Cluster, key: string): Wait {
  const slot = slotOf(key);
  const ofCluster = waits.get(cluster) ?? new Map<number, Wait>();
  waits.set(cluster, ofCluster);
  const known = ofCluster.get(slot);
  if (known) return known;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const wait: Wait = { waiting: 0, ended };
  ofCluster.set(slot, wait);
  const look = (): void => {
    const node = nodeOf(cluster, key);
    if (isNodeReady(cluster, key) || cluster.status === 'end' || wait.waiting === 0) {
      ofCluster.delete(slot);
      resolve();
      return;
    }
    if (node?.status === 'wait') connectSoon(node as Redis);
    else if (node === undefined && cluster.status === 'ready') cluster.refreshSlotsCache();
    setTimeout(look, LOOK_MS);
  };
  // Runs after the caller has increased `waiting`.
  queueMicrotask(look);
  return wait;
}

function connectSoon(node: Redis): void {
  // The next look shows whether it worked.
  node.connect().catch(() => {});
}
