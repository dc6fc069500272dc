import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { Worker as Thread } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { deadlineIn } from '../../src/shared/redis/deadline.ts';
import { readStatus } from '../../src/shared/reading/status.ts';
import { createSession } from '../../src/shared/session/session.ts';
import type { WorkerStatus } from '../../src/shared/reading/shard-status.ts';
import { environment, main } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { completed } from '../support/settings.ts';
import { useRedis } from '../support/use-redis.ts';

const CONCURRENCY = 5;
const inThread = new URL('../support/worker-thread-process.ts', import.meta.url);

describe.concurrent('two workers on one host with one process id', () => {
  const used = useRedis();

  async function workersOf(namespace: string): Promise<WorkerStatus[]> {
    const config = completed({ redisUrl: used.url, namespace });
    const session = createSession(config);
    try {
      return (await readStatus(session, config, deadlineIn(5000))).workers;
    } finally {
      await session.close();
    }
  }

  /** Waits for both in the list, and for the sum that the windows of pages are shares of. */
  async function expectBoth(namespace: string, pid: number): Promise<void> {
    const workers = await eventually(
      'both are listed',
      async () => {
        const listed = await workersOf(namespace);
        return listed.length === 2 && listed;
      },
      15_000,
    );
    for (const { id } of workers) expect(id).toMatch(new RegExp(`^${hostname()}-${pid}-[0-9a-f]{8}$`));
    expect(new Set(workers.map(({ id }) => id)).size).toBe(2);
    const isCounted = async (): Promise<boolean> =>
      (await used.redis.hget(`{${namespace}:0}:fleet`, 'concurrency')) === String(2 * CONCURRENCY);
    await eventually('the concurrency of both counts', isCounted);
  }

  it('are two if they run in threads', async () => {
    const workerData = {
      redisUrl: used.url,
      namespace: 'threads',
      apiKey: 'key',
      concurrency: CONCURRENCY,
      logLevel: 'error',
    };
    const threads = [1, 2].map(() => new Thread(inThread, { workerData }));
    try {
      await expectBoth('threads', process.pid);
    } finally {
      await Promise.all(threads.map(async (thread) => await thread.terminate()));
    }
  });

  it('are two if they are the first processes of containers with the same host name', async () => {
    const env = environment({
      REDIS_URL: used.url,
      KITECHAT_NAMESPACE: 'containers',
      KITECHAT_API_KEY: 'key',
      KITECHAT_CONCURRENCY: String(CONCURRENCY),
    });
    const asFirst = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child', process.execPath, main, 'worker'];
    const containers = [1, 2].map((): ChildProcess => spawn('unshare', asFirst, { env, stdio: 'ignore' }));
    const ended = containers.map(async (container): Promise<unknown> => await once(container, 'close'));
    try {
      await expectBoth('containers', 1);
    } finally {
      for (const container of containers) container.kill('SIGKILL');
      await Promise.all(ended);
    }
  });
});
