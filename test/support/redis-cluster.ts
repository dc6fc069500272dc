import { randomInt } from 'node:crypto';
import { Redis } from 'ioredis';
import { RedisStartError } from '../../src/testing/redis/redis-errors.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import { eventually } from './eventually.ts';

const SLOTS = 16_384;
const MASTERS = 3;
const NODE_TIMEOUT_MS = 2000;
const PORT_ATTEMPTS = 20;
const KEYS_AT_ONCE = 100;

/** One process of the cluster. */
export interface ClusterNode {
  server: RedisServer;
  /** A connection to this node only. */
  redis: Redis;
  id: string;
}

/** A cluster of three masters, each with a replica. Tests can kill nodes and move slots. */
export interface RedisCluster {
  /** For `REDIS_URL`. */
  readonly url: string;
  readonly nodes: readonly ClusterNode[];
  /** The node that has the key now, according to a node that is alive. */
  ownerOf(key: string): Promise<ClusterNode>;
  /** Moves the slot of a key to another master, key by key, as `redis-cli --cluster reshard` does. @returns the new owner */
  moveSlotOf(key: string, pace?: MovePace): Promise<ClusterNode>;
  /** Kills the master that has the key, and waits until its replica has taken over. @returns the killed node */
  failOver(key: string, how?: 'kill' | 'pause'): Promise<ClusterNode>;
  /** Waits until all nodes that are alive accept commands. */
  untilUp(): Promise<void>;
  /** Waits until the replicas have all writes of their masters. */
  untilReplicated(): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface MovePace {
  /** The number of keys in one MIGRATE. */
  keysAtOnce?: number;
  /** Called before each MIGRATE, with the slot half moved. */
  between?: () => Promise<void>;
}

/** Starts a cluster of six processes on loopback, in temporary folders, with an AOF each. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const stack = new AsyncDisposableStack();
  try {
    const nodes = await Promise.all(Array.from({ length: 2 * MASTERS }, () => openNode(stack)));
    await joinTogether(nodes);
    return clusterOf(nodes, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function openNode(stack: AsyncDisposableStack): Promise<ClusterNode> {
  const server = stack.use(await startClusterNode());
  const redis = new Redis(server.url, { retryStrategy: () => 100, maxRetriesPerRequest: 1 });
  redis.on('error', () => {});
  stack.defer(() => redis.disconnect());
  return { server, redis, id: String(await redis.call('CLUSTER', 'MYID')) };
}

/** Starts a Redis with cluster support, which belongs to no cluster yet. */
export async function startClusterNode(more: readonly string[] = []): Promise<RedisServer> {
  for (let attempt = 1; ; attempt += 1) {
    // The port of the cluster bus is 10,000 higher, and must not be in the range of client ports either.
    const port = randomInt(15_000, 22_000);
    const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', String(NODE_TIMEOUT_MS)];
    const args = [...cluster, '--repl-diskless-sync-delay', '0', ...more];
    try {
      return await startRedisServer({ engine: 'path', appendOnly: true, port, args });
    } catch (error) {
      if (!(error instanceof RedisStartError) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function joinTogether(nodes: readonly ClusterNode[]): Promise<void> {
  const masters = nodes.slice(0, MASTERS);
  const perMaster = Math.ceil(SLOTS / MASTERS);
  for (const [index, { redis, server }] of nodes.entries()) {
    await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    if (index < MASTERS) {
      const last = Math.min(SLOTS, (index + 1) * perMaster) - 1;
      await redis.call('CLUSTER', 'ADDSLOTSRANGE', index * perMaster, last);
    }
    await nodes[0]?.redis.call('CLUSTER', 'MEET', '127.0.0.1', server.port);
  }
  await onAll(nodes, 'knows all others', (info) => info.includes(`cluster_known_nodes:${nodes.length}`));
  for (const [index, { redis }] of nodes.slice(MASTERS).entries()) {
    const master = masters[index];
    await eventually('a replica knows its master', async () => {
      try {
        return await redis.call('CLUSTER', 'REPLICATE', master?.id ?? '');
      } catch {
        return null;
      }
    });
    await eventually('a replica is in step', async () =>
      (await redis.info('replication')).includes('master_link_status:up'),
    );
  }
  await onAll(nodes, 'is up', (info) => info.includes('cluster_state:ok'));
  for (const { redis } of nodes) {
    await eventually('all replicas are known', async () => {
      const known = String(await redis.call('CLUSTER', 'NODES'));
      return known.split('\n').filter((line) => line.includes('slave')).length === MASTERS;
    });
  }
}

async function onAll(
  nodes: readonly ClusterNode[],
  what: string,
  holds: (info: string) => boolean,
  timeoutMs = 30_000,
): Promise<void> {
  for (const { redis, server } of nodes) {
    await eventually(
      `${server.url} ${what}`,
      async () => holds(String(await redis.call('CLUSTER', 'INFO'))),
      timeoutMs,
    );
  }
}

function clusterOf(nodes: readonly ClusterNode[], stack: AsyncDisposableStack): RedisCluster {
  const gone = new Set<ClusterNode>();
  const living = (): ClusterNode[] => nodes.filter((node) => !gone.has(node));

  async function slotOf(key: string): Promise<number> {
    return Number(await living()[0]?.redis.call('CLUSTER', 'KEYSLOT', key));
  }

  async function masters(): Promise<ClusterNode[]> {
    const roles = await Promise.all(
      living().map(async (node) => [node, (await node.redis.role())[0], await slotsOf(node)] as const),
    );
    return roles.flatMap(([node, role, slots]) => (String(role) === 'master' && slots !== '' ? [node] : []));
  }

  async function slotsOf(node: ClusterNode): Promise<string> {
    const known = String(await node.redis.call('CLUSTER', 'NODES'));
    const line = known.split('\n').find((one) => one.includes('myself')) ?? '';
    return line.split(' ').slice(8).join(' ');
  }

  async function ownerOf(key: string): Promise<ClusterNode> {
    const slot = await slotOf(key);
    for (const node of await masters()) {
      const owns = (await slotsOf(node)).split(' ').some((range) => {
        if (!/^\d+(-\d+)?$/.test(range)) return false;
        const [first = '', last = first] = range.split('-');
        return slot >= Number(first) && slot <= Number(last);
      });
      if (owns) return node;
    }
    throw new Error(`no master has slot ${slot}`);
  }

  return {
    url: nodes.map(({ server }) => server.url).join(','),
    nodes,
    ownerOf,
    async moveSlotOf(key, { keysAtOnce = KEYS_AT_ONCE, between = async () => {} } = {}) {
      const slot = await slotOf(key);
      const from = await ownerOf(key);
      const all = await masters();
      const to = all[(all.indexOf(from) + 1) % all.length];
      if (to === undefined || to === from) throw new Error('there is no other master');
      await to.redis.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
      await from.redis.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
      for (;;) {
        const keys = (await from.redis.call('CLUSTER', 'GETKEYSINSLOT', slot, keysAtOnce)) as string[];
        if (keys.length === 0) break;
        await between();
        await from.redis.call('MIGRATE', '127.0.0.1', to.server.port, '', 0, 5000, 'KEYS', ...keys);
      }
      await to.redis.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
      await from.redis.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
      for (const other of all) await other.redis.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
      return to;
    },
    async failOver(key, how = 'kill') {
      const victim = await ownerOf(key);
      gone.add(victim);
      await victim.server[how]();
      await eventually(
        'the replica has taken the place of its master',
        async () => {
          try {
            return await ownerOf(key);
          } catch {
            return null;
          }
        },
        30_000,
      );
      await onAll(living(), 'is up again', (info) => info.includes('cluster_state:ok'));
      return victim;
    },
    untilUp: async () => await onAll(living(), 'is up', (info) => info.includes('cluster_state:ok')),
    async untilReplicated() {
      for (const { redis } of await masters()) {
        const written = await offsetOf(redis, /^master_repl_offset:(\d+)/m);
        const isThere = async (): Promise<boolean> => (await offsetOf(redis, /^slave0:.*offset=(\d+)/m)) >= written;
        await eventually('the replica is in step', isThere);
      }
    },
    stop: () => stack.disposeAsync(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function offsetOf(redis: Redis, field: RegExp): Promise<number> {
  const [, offset] = field.exec(await redis.info('replication')) ?? [];
  return Number(offset);
}
