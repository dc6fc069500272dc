import { startRedisServer, type RedisServerOptions } from '../../src/testing/redis-server.ts';
import type { RedisServer } from '../../src/testing/redis-handle.ts';

/** A Redis of the test's own; `TEST_REDIS=container` takes it from a container. */
export async function startTestRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const engine = process.env['TEST_REDIS'] === 'container' ? 'container' : 'auto';
  return await startRedisServer({ engine, ...options });
}
