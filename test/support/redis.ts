import { startRedisServer, type RedisServerOptions } from '../../src/testing/redis/redis-server.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { startRedisCluster } from './redis-cluster.ts';

/** A Redis for a test: a local process, with `TEST_REDIS=container` a container, with `TEST_REDIS=cluster` a whole cluster. */
export async function startTestRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  if (process.env['TEST_REDIS'] === 'cluster') return await startClusterAsServer(options);
  const engine = process.env['TEST_REDIS'] === 'container' ? 'container' : 'auto';
  return await startRedisServer({ engine, ...options });
}

/** A cluster for tests that only need some Redis. Actions on it apply to all its nodes. */
async function startClusterAsServer({ appendOnly: _always, ...others }: RedisServerOptions): Promise<RedisServer> {
  if (Object.keys(others).length > 0) throw new NotOnClusterError();
  const cluster = await startRedisCluster();
  const onAll = async (work: (server: RedisServer) => Promise<void>): Promise<void> => {
    await Promise.all(cluster.nodes.map(({ server }) => work(server)));
  };
  return {
    url: cluster.url,
    port: Number.NaN,
    pid: null,
    dir: null,
    kill: async (signal) => await onAll((server) => server.kill(signal)),
    async restart() {
      await onAll((server) => server.restart());
      await cluster.untilUp();
    },
    pause: async () => await onAll((server) => server.pause()),
    resume: async () => await onAll((server) => server.resume()),
    stop: () => cluster.stop(),
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
}

class NotOnClusterError extends Error {
  override readonly name = 'NotOnClusterError';

  constructor() {
    super('A cluster takes no settings: name the file of this test in test/support/not-on-cluster.ts');
  }
}
