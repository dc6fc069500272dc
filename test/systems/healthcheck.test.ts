import { completed } from '../support/settings.ts';
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { deadlineIn } from '../../src/shared/redis/deadline.ts';
import { beatIn, workersKey } from '../../src/shared/lanes/fleet/leader.ts';
import type { Shard } from '../../src/shared/lanes/shard.ts';
import { createSession } from '../../src/shared/session/session.ts';
import { startCommand } from '../support/command-line.ts';
import { startTestRedis } from '../support/redis.ts';
import { useRedis } from '../support/use-redis.ts';

const main = new URL('../../src/cli/healthcheck/main.ts', import.meta.url).pathname;
const record = { version: '1.0.0', since: '2026-11-22T10:00:00.000Z', concurrency: 1, sending: 0 };

/** Runs the check as Docker does, which knows the exit codes 0 and 1 only. */
function healthcheck(env: Record<string, string>): { exitCode: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main], { env, encoding: 'utf8' });
  return { exitCode: status, stdout, stderr };
}

describe('the health check of a container', () => {
  const server = useRedis();

  async function inShard(namespace: string, work: (shard: Shard) => Promise<unknown>): Promise<void> {
    const session = createSession(completed({ redisUrl: server.url, namespace }));
    await work(await session.shard(0, deadlineIn(5000)));
    await session.close();
  }

  it('passes in silence while the worker runs, and tells when it has gone', async () => {
    const env = { REDIS_URL: server.url, KITECHAT_NAMESPACE: 'comes-and-goes' };
    await using worker = startCommand(['worker'], { ...env, KITECHAT_API_KEY: 'key' });
    await worker.lineWhere('stdout', (line) => line.includes('taking messages'));
    expect(healthcheck(env)).toEqual({ exitCode: 0, stdout: '', stderr: '' });

    worker.kill('SIGTERM');
    expect(await worker.ended()).toBe(0);
    const { exitCode, stderr } = healthcheck(env);
    expect(exitCode).toBe(1);
    expect(stderr).toBe(`no worker of ${hostname()} has sent a recent heartbeat to the fleet\n`);
  });

  it('knows its own worker whatever its process id, and no other', async () => {
    const namespace = 'own-and-others';
    const env = { REDIS_URL: server.url, KITECHAT_NAMESPACE: namespace };
    const beat = (workerId: string) => async (shard: Shard) => await beatIn(shard, { workerId, record, window: 0 });
    await inShard(namespace, beat(`${hostname()}-replica-1`));
    await inShard(namespace, beat('elsewhere-1'));
    expect(healthcheck(env).exitCode).toBe(1);
    await inShard(namespace, beat(`${hostname()}-7`));
    expect(healthcheck(env).exitCode).toBe(0);
  });

  it('fails when the worker has been silent for more than ten seconds', async () => {
    const namespace = 'silent';
    await inShard(namespace, async (shard) => {
      const seenAt = Date.now() - 12_000;
      await shard.redis.hset(workersKey(shard), `${hostname()}-1`, JSON.stringify({ ...record, seenAt }));
    });
    expect(healthcheck({ REDIS_URL: server.url, KITECHAT_NAMESPACE: namespace }).exitCode).toBe(1);
  });

  it('fails with the reason when Redis is away or the configuration is wrong', async () => {
    await using gone = await startTestRedis();
    await gone.stop();
    const away = healthcheck({ REDIS_URL: gone.url });
    expect(away.exitCode).toBe(1);
    expect(away.stderr).toContain('Redis could not be reached');

    const wrong = healthcheck({ REDIS_URL: server.url, KITECHAT_SHARDS: 'many' });
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stderr).toContain('KITECHAT_SHARDS');
  });
});
