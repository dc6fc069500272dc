import { Redis } from 'ioredis';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import { eventually } from './eventually.ts';
import { startForegroundServer } from './foreground-server.ts';

const QUORUM = 2;
/** For each sentinel. If all found a primary down at once, two of them could each promote another replica. */
const DOWN_AFTER_MS = [1000, 1300, 1600];
/** Sentinels start no second fail-over within twice this time, unless they are told to. */
const FAILOVER_TIMEOUT_MS = 3000;

export interface RedisSentinelOptions {
  /** Default 2. */
  replicas?: number;
  /** The password of the Redis servers. */
  password?: string;
  /** The password of the sentinels. */
  sentinelPassword?: string;
  /** Additional arguments of all Redis servers, such as `['--min-replicas-to-write', '1']`. */
  args?: readonly string[];
}

/** A primary with replicas, watched by three sentinels. */
export interface RedisSentinel {
  /** The name of the primary for clients. */
  readonly name: string;
  readonly sentinels: readonly { host: string; port: number; stop(): Promise<void> }[];
  readonly servers: readonly RedisServer[];
  /** For `REDIS_URL`, without the password of the sentinels. */
  readonly url: string;
  /** The server that is the primary now, according to the sentinels and to itself. */
  primary(): Promise<RedisServer>;
  /** Connects to one server, whatever its role is. The caller disconnects. */
  connectTo(server: RedisServer): Redis;
  /**
   * Makes the sentinels promote a replica, and waits for it. `kill` kills the primary, `freeze` stops its process, and
   * `ask` leaves it running: it goes on as a replica that clients can reach.
   */
  failOver(how?: 'kill' | 'freeze' | 'ask'): Promise<Promotion>;
  /** Waits until a replica is promoted in place of a primary that the caller has killed. */
  untilPromoted(old: RedisServer): Promise<Promotion>;
  /** Waits until every running server but the primary is a replica that has all its writes, and the sentinels know it. */
  untilReplicated(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Promotion {
  old: RedisServer;
  promoted: RedisServer;
  /** When the replica was first seen as the primary. */
  atMs: number;
}

/** Starts Redis servers and real `redis-sentinel` processes on free ports of loopback, and waits until they know each other. */
export async function startRedisSentinel(options: RedisSentinelOptions = {}): Promise<RedisSentinel> {
  const { replicas = 2, password, sentinelPassword, args = [] } = options;
  const stack = new AsyncDisposableStack();
  try {
    const auth = password === undefined ? [] : ['--requirepass', password, '--masterauth', password];
    const all = ['--repl-diskless-sync-delay', '0', ...auth, ...args];
    const first = stack.use(await startRedisServer({ engine: 'path', args: all }));
    const replicaOf = ['--replicaof', `127.0.0.1 ${first.port}`];
    const others = await Promise.all(
      Array.from({ length: replicas }, async () =>
        stack.use(await startRedisServer({ engine: 'path', args: [...all, ...replicaOf] })),
      ),
    );
    const sentinels = await Promise.all(
      DOWN_AFTER_MS.map(async (downAfterMs) => {
        const configure = (port: number): string => configuration(port, first.port, { ...options, downAfterMs });
        const sentinel = stack.use(await startSentinel(configure));
        return { host: '127.0.0.1', port: sentinel.port, stop: () => sentinel[Symbol.asyncDispose]() };
      }),
    );
    const admins = sentinels.map(({ port }) =>
      stack.adopt(connect(port, sentinelPassword), (redis) => redis.disconnect()),
    );
    await Promise.all(admins.map((admin) => admin.call('SENTINEL', 'DEBUG', ...PERIODS)));
    const started = groupOf({ servers: [first, ...others], sentinels, admins, password }, stack);
    await started.untilReplicated();
    return started;
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

const NAME = 'mymaster';
/**
 * By default sentinels look for replicas every ten seconds, and for each other every two. They ping once a second: too rarely to find
 * a new primary alive within a second, so they would promote the next one.
 */
const PERIODS = ['INFO-PERIOD', '500', 'PUBLISH-PERIOD', '500', 'PING-PERIOD', '200', 'ASK-PERIOD', '200'];

function configuration(
  port: number,
  primaryPort: number,
  { password, sentinelPassword, downAfterMs }: RedisSentinelOptions & { downAfterMs: number },
): string {
  return `
port ${port}
bind 127.0.0.1
${sentinelPassword === undefined ? '' : `requirepass ${sentinelPassword}`}
sentinel monitor ${NAME} 127.0.0.1 ${primaryPort} ${QUORUM}
sentinel down-after-milliseconds ${NAME} ${downAfterMs}
sentinel failover-timeout ${NAME} ${FAILOVER_TIMEOUT_MS}
sentinel parallel-syncs ${NAME} 5
${password === undefined ? '' : `sentinel auth-pass ${NAME} ${password}`}
`;
}

async function startSentinel(configure: (port: number) => string) {
  return await startForegroundServer({
    program: 'redis-sentinel',
    args: ['server.conf'],
    configure,
    isReady: (_pid, read) => read('output.log').includes('Sentinel ID is'),
    portTaken: 'Address already in use',
  });
}

function connect(port: number, password: string | undefined): Redis {
  const redis = new Redis({
    host: '127.0.0.1',
    port,
    retryStrategy: () => 50,
    ...(password !== undefined && { password }),
  });
  redis.on('error', () => {});
  return redis;
}

interface Parts extends Pick<RedisSentinel, 'servers' | 'sentinels'> {
  admins: readonly Redis[];
  password: string | undefined;
}

function groupOf({ servers, sentinels, admins, password }: Parts, stack: AsyncDisposableStack): RedisSentinel {
  const connectTo = (server: RedisServer): Redis => connect(server.port, password);
  const connections = new Map(servers.map((server) => [server, connectTo(server)]));
  stack.defer(() => {
    for (const redis of connections.values()) redis.disconnect();
  });
  const frozen = new Set<RedisServer>();

  const living = (): Redis[] => admins.filter(({ status }) => status === 'ready');

  async function askSentinel(...command: [string, ...string[]]): Promise<unknown> {
    const [first] = living();
    if (!first) throw new Error('no sentinel is there');
    return await first.call('SENTINEL', ...command);
  }

  /** A server's own account of its replication; an empty text while it is down. */
  async function replicationOf(server: RedisServer): Promise<string> {
    if (server.pid === null || frozen.has(server)) return '';
    try {
      return (await connections.get(server)?.info('replication')) ?? '';
    } catch {
      return '';
    }
  }

  /** The primary, once all sentinels agree: one that was told late would lead clients to an old primary that is back. */
  async function primaryNow(): Promise<RedisServer | null> {
    const ports = await Promise.all(
      living().map(async (admin) => {
        const address = (await admin.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)) as [string, string] | null;
        return address?.[1];
      }),
    );
    const [port, ...others] = new Set(ports);
    const named = others.length === 0 ? servers.find((server) => String(server.port) === port) : undefined;
    return named && (await replicationOf(named)).includes('role:master') ? named : null;
  }

  async function isReplicated(): Promise<boolean> {
    const primary = await primaryNow();
    if (!primary) return false;
    const running = servers.filter((server) => server !== primary && server.pid !== null && !frozen.has(server));
    const said = await replicationOf(primary);
    const written = numberOf(said, /^master_repl_offset:(\d+)/m);
    for (const replica of running) {
      const own = await replicationOf(replica);
      const isInStep = own.includes('master_link_status:up') && own.includes(`master_port:${primary.port}`);
      if (!isInStep || numberOf(own, /^slave_repl_offset:(\d+)/m) < written) return false;
    }
    return (await areAllAtRest()) && (await areKnown(running.length));
  }

  /** A sentinel whose promoted replica dies before its fail-over has ended never ends it, and names that replica for ever. */
  async function areAllAtRest(): Promise<boolean> {
    const primaries = await Promise.all(living().map((admin) => admin.call('SENTINEL', 'MASTER', NAME)));
    return primaries.every((fields) => fieldsOf(fields as string[])['flags'] === 'master');
  }

  /** Sentinels promote only a replica that they know and found healthy. */
  async function areKnown(replicas: number): Promise<boolean> {
    const known = (await askSentinel('REPLICAS', NAME)) as string[][];
    const usable = known.filter((fields) => {
      const { flags = '', 'master-link-status': link } = fieldsOf(fields);
      return flags === 'slave' && link === 'ok';
    });
    const others = (await askSentinel('SENTINELS', NAME)) as string[][];
    return usable.length >= replicas && others.length === DOWN_AFTER_MS.length - 1;
  }

  const findPrimary = async (): Promise<RedisServer> => await eventually('there is a primary', primaryNow);

  async function untilPromoted(old: RedisServer): Promise<Promotion> {
    // Sentinels may promote one replica, and then another.
    const since = new Map<RedisServer, number>();
    return await eventually('the sentinels name a new primary', async () => {
      for (const server of servers) {
        if (server === old) continue;
        if (!(await replicationOf(server)).includes('role:master')) since.delete(server);
        else if (!since.has(server)) since.set(server, Date.now());
      }
      const promoted = await primaryNow();
      const atMs = promoted ? since.get(promoted) : undefined;
      return promoted !== null && atMs !== undefined && { old, promoted, atMs };
    });
  }

  return {
    name: NAME,
    sentinels,
    servers,
    url: `redis+sentinel://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}${sentinels
      .map(({ host, port }) => `${host}:${port}`)
      .join(',')}/${NAME}`,
    primary: findPrimary,
    connectTo,
    async failOver(how = 'kill') {
      const old = await findPrimary();
      if (how === 'kill') await old.kill();
      else if (how === 'freeze') {
        await old.pause();
        frozen.add(old);
      } else {
        await eventually('the sentinels start a fail-over', async () => {
          return await askSentinel('FAILOVER', NAME).then(
            () => true,
            () => false,
          );
        });
      }
      return await untilPromoted(old);
    },
    untilPromoted,
    async untilReplicated() {
      await eventually('the replicas are in step', isReplicated);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function numberOf(text: string, field: RegExp): number {
  return Number(field.exec(text)?.[1]);
}

function fieldsOf(pairs: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(pairs.flatMap((name, at) => (at % 2 === 0 ? [[name, pairs[at + 1]]] : [])));
}
