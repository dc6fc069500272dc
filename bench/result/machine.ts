import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { connectPatiently } from '../../src/shared/session/connect.ts';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import { peerVersions } from '../peers/install.ts';
import { findPostgres } from '../stage/postgres-program.ts';
import { MissingError } from '../stage/stores.ts';

export interface Machine {
  cpu: string;
  cores: number;
  node: string;
  redis: string;
  /** `none` where there is none. */
  postgres: string;
}

/** What was measured, by name. */
export type Versions = Readonly<Record<string, string>>;

const OUR_PACKAGES = ['bullmq', 'ioredis', 'ky', 'undici'];

export async function describeMachine(): Promise<Machine> {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    node: process.version,
    redis: await readRedisVersion(),
    postgres: readPostgresVersion(),
  };
}

/** Exact versions, as they are pinned. */
export function describeVersions(): Versions {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { dependencies, devDependencies } = JSON.parse(manifest) as Record<string, Record<string, string>>;
  const pinned = { ...dependencies, ...devDependencies };
  const ours = OUR_PACKAGES.map((name) => [name, pinned[name] ?? 'none'] as const);
  return { ...Object.fromEntries(ours), ...peerVersions() };
}

/** The commit that was measured, with a sign if files have changed since. */
export function describeCommit(): string {
  try {
    const args = ['describe', '--always', '--dirty', '--exclude', '*'];
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

/** Asks the server that the benchmarks will start, too. */
async function readRedisVersion(): Promise<string> {
  await using server = await startRedisServer();
  const redis = connectPatiently({ redisUrl: server.url });
  try {
    const [, version] = /^redis_version:(\S+)/m.exec(await redis.info('server')) ?? [];
    return version ?? 'unknown';
  } finally {
    redis.disconnect();
  }
}

function readPostgresVersion(): string {
  try {
    const program = `${findPostgres(process.env['PATH'] ?? '')}/postgres`;
    const [, version] = /(\d[\d.]*)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' })) ?? [];
    return version ?? 'unknown';
  } catch (error) {
    if (error instanceof MissingError) return 'none';
    throw error;
  }
}
