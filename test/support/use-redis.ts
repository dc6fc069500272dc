import { afterAll, beforeAll } from 'vitest';
import type { LaneRedis } from '../../src/shared/lanes/commands.ts';
import { connectPatiently } from '../../src/shared/session/connect.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import type { RedisServerOptions } from '../../src/testing/redis/redis-server.ts';
import { startTestRedis } from './redis.ts';

/** A Redis from the first test to the last, with a connection. Neither exists before the first `beforeAll` of the tests. */
export interface UsedRedis {
  readonly server: RedisServer;
  readonly url: string;
  readonly redis: LaneRedis;
}

/** Called at the top of a file or of a `describe`. */
export function useRedis(options: RedisServerOptions = {}): UsedRedis {
  let server: RedisServer;
  let redis: LaneRedis;
  beforeAll(async () => {
    server = await startTestRedis(options);
    redis = connectPatiently({ redisUrl: server.url });
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });
  return {
    get server() {
      return server;
    },
    get url() {
      return server.url;
    },
    get redis() {
      return redis;
    },
  };
}
