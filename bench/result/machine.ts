import { cpus } from 'node:os';
import { connectPatiently } from '../../src/shared/redis.ts';
import { startRedisServer } from '../../src/testing/redis-server.ts';

export interface Machine {
  cpu: string;
  cores: number;
  node: string;
  redis: string;
}

export async function describeMachine(): Promise<Machine> {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    node: process.version,
    redis: await readRedisVersion(),
  };
}

/** Asks the server that the benchmarks will start, too. */
async function readRedisVersion(): Promise<string> {
  await using server = await startRedisServer();
  const redis = connectPatiently(server.url);
  try {
    const [, version] = /^redis_version:(\S+)/m.exec(await redis.info('server')) ?? [];
    return version ?? 'unknown';
  } finally {
    redis.disconnect();
  }
}
