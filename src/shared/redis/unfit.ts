import type { Redis } from 'ioredis';
import { ConfigError } from '../errors/errors.ts';
import { ONE_NODE } from '../errors/redis-advice.ts';
import { describeSafely } from '../errors/safe-cause.ts';
import { isCluster, type RedisClient } from './cluster.ts';
import { infoField } from './info.ts';

/** The oldest version that has all commands of our scripts. */
const OLDEST = { major: 6, minor: 2 };

/** What Redis says about itself when a connection is opened (`INFO`). Empty if the user may not ask. */
export type ServerInfo = Readonly<Record<string, string | undefined>>;

/** What each connection leads to: `standalone`, `cluster` or `sentinel`. */
const modes = new WeakMap<Redis['stream'], string>();

/** Keeps what is needed later of what a server says about itself. */
export function noteServer(stream: Redis['stream'], { redis_mode: mode }: ServerInfo): void {
  if (mode !== undefined) modes.set(stream, mode);
}

/** Returns why a server can't hold the queue: a `ConfigError` if that doesn't change by itself, otherwise the error of a replica. */
export function whyUnfit(
  { redis_mode: mode, redis_version: version, role }: ServerInfo,
  needsPrimary: boolean,
): Error | undefined {
  if (mode === 'sentinel') {
    return new ConfigError([
      'REDIS_URL leads to a Sentinel, not to a Redis: write redis+sentinel://host:port/NAME with the name that the Sentinel has for the primary, such as mymaster',
    ]);
  }
  if (version !== undefined && isTooOld(version)) {
    return new ConfigError([
      `REDIS_URL leads to a Redis of version ${version}: use ${OLDEST.major}.${OLDEST.minor} or later, or Valkey`,
    ]);
  }
  // A replica in a cluster names the node that takes the command.
  return needsPrimary && role === 'slave' && mode !== 'cluster' ? replicaError() : undefined;
}

/** Returns a `ConfigError` if an error of a command shows that the URL names one node of a cluster as if it were the whole. */
export function oneNodeError(error: unknown): ConfigError | undefined {
  return describeSafely(error).code === 'MOVED' ? new ConfigError([`REDIS_URL: ${ONE_NODE}`]) : undefined;
}

/**
 * Makes sure that a connection to a single Redis reaches all keys, not only those of one node of a cluster. A cluster whose slots are all
 * on one node will do.
 *
 * @throws ConfigError
 */
export async function demandAllKeys(redis: RedisClient): Promise<void> {
  if (isCluster(redis) || !(await isOneOfSeveral(redis))) return;
  throw new ConfigError([`REDIS_URL: ${ONE_NODE}`]);
}

async function isOneOfSeveral(redis: Redis): Promise<boolean> {
  if (modes.get(redis.stream) !== 'cluster') return false;
  try {
    return Number(infoField(await redis.cluster('INFO'), 'cluster_size') ?? 0) > 1;
  } catch {
    // A user may lack the right, and a proxy the command. Then the first key on another node shows it.
    return false;
  }
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor);
}

/** The error that a replica answers to a write. */
function replicaError(): Error {
  return Object.assign(new Error('READONLY this Redis is a replica'), { name: 'ReplyError' });
}
