import { ConfigError } from '../../shared/errors/errors.ts';
import { howToGetRedis } from './how-to-get-redis.ts';
import { startRedisContainer } from './redis-container.ts';
import { RedisMissingError } from './redis-errors.ts';
import type { RedisServer } from './redis-handle.ts';
import { startRedisOnPath } from './redis-on-path.ts';

export interface RedisServerOptions {
  /**
   * `path`: a program on the PATH. `container`: an image, through Testcontainers if it is installed. `auto` (the default):
   * the first of the two that is available.
   */
  engine?: 'path' | 'container' | 'auto';
  /** Additional server arguments, such as `['--maxmemory', '10mb']`. They override the defaults of this helper. */
  args?: readonly string[];
  /** Whether data survives kills (AOF, fsync every second). Default `false`: every start is empty. */
  appendOnly?: boolean;
  /** The data folder, which is not removed. Default: a temporary folder, which is. Not for containers. */
  dir?: string;
  /** Default: a free port. */
  port?: number;
  /** The programs to look for. Default `redis-server`, then `valkey-server`. */
  programs?: readonly string[];
}

/**
 * Starts a Redis on loopback for a test or a demo, and waits until it is ready. The Redis keeps nothing on disk unless
 * `appendOnly` is set, never evicts, and ends with this process at the latest.
 *
 * @throws RedisMissingError if there is no Redis on this machine; the message says how to get one.
 * @throws RedisStartError if the Redis doesn't start.
 * @example
 * await using redis = await startRedisServer({ appendOnly: true });
 * await redis.kill();
 * await redis.restart();
 */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const { engine = 'auto', dir, port, programs = ['redis-server', 'valkey-server'] } = options;
  if (engine === 'container' && dir !== undefined) {
    throw new ConfigError(["dir: a container keeps its data itself; leave it out, or use engine 'path'"]);
  }
  const durability = options.appendOnly ? ['--appendonly', 'yes', '--appendfsync', 'everysec'] : ['--appendonly', 'no'];
  const common = ['--save', '', ...durability, '--maxmemory-policy', 'noeviction', '--daemonize', 'no'];
  const own = options.args ?? [];
  const tried: string[] = [];

  if (engine !== 'container') {
    const args = [...common, '--bind', '127.0.0.1', ...own];
    const server = await startRedisOnPath({ programs, args, dir, port });
    if (server !== null) return server;
    tried.push(`no ${programs.join(' or ')} on the PATH`);
  }
  if (engine === 'path' || dir !== undefined) throw new RedisMissingError(tried, howToGetRedis());

  const server = await startRedisContainer({ args: [...common, ...own], port });
  if (!('missing' in server)) return server;
  throw new RedisMissingError([...tried, server.missing], howToGetRedis(), { cause: server.cause });
}
