import { mkdtemp, readdir, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { randomPort } from '../../src/testing/redis/random-port.ts';
import { type CommandProcess, runProcess, startCommand } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { startTestRedis } from '../support/redis.ts';
import { useFolder } from '../support/use-folder.ts';

/** A busy machine takes its time to start three processes. */
const WAIT_MS = 60_000;

/** What the demo says that it uses. */
interface Used {
  ports: number[];
  pids: number[];
}

async function usedBy(demo: CommandProcess): Promise<Used> {
  const servers = await demo.lineWhere('stderr', (line) => line.startsWith('A private Redis runs at'), WAIT_MS);
  const workers = await demo.lineWhere('stderr', (line) => line.startsWith('Worker processes'), WAIT_MS);
  return {
    ports: [...servers.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port)),
    pids: (workers.match(/\d+/g) ?? []).map(Number),
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function isOpen(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function leftBehind({ ports, pids }: Used, folder: string): Promise<unknown[]> {
  const open = await Promise.all(ports.map(isOpen));
  return [...ports.filter((_port, index) => open[index]), ...pids.filter(isAlive), ...(await readdir(folder))];
}

describe.concurrent('kitechat-sender demo', () => {
  const root = useFolder();
  const emptyFolder = async (): Promise<string> => await mkdtemp(join(root, 'empty-'));

  it('shows its progress and a table in which all is well, leaves nothing behind, and never meets REDIS_URL', async () => {
    const folder = await emptyFolder();
    await using theirs = await startTestRedis();
    const startedAt = performance.now();
    await using demo = startCommand(['demo'], {
      TMPDIR: folder,
      REDIS_URL: theirs.url,
      KITECHAT_API_URL: 'http://127.0.0.1:1',
      KITECHAT_API_KEY: 'a real key',
      KITECHAT_SHARDS: 'nonsense',
    });
    const used = await usedBy(demo);
    expect(used.ports).toHaveLength(2);
    expect(used.pids).toHaveLength(2);
    expect(await demo.ended(), [...demo.stdout, ...demo.stderr.slice(-5)].join('\n')).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(60_000);

    expect(demo.stdout[0]).toMatch(/^messages +count$/);
    const counts = new Map(demo.stdout.slice(1).map((row) => /^(.+?) +(\d+)$/.exec(row)?.slice(1) as [string, string]));
    expect([...counts.keys()].filter((name) => !name.startsWith('dead: '))).toEqual([
      'enqueued',
      'delivered',
      'retried',
      'duplicates',
      'out of order',
      'lost',
    ]);
    expect(Object.fromEntries(counts)).toMatchObject({
      enqueued: '606',
      delivered: '600',
      'dead: rejected': '3',
      'dead: exhausted': '2',
      'dead: expired': '1',
      duplicates: '0',
      'out of order': '0',
      lost: '0',
    });
    expect(Number(counts.get('retried'))).toBeGreaterThan(50);
    const progress = demo.stderr.filter((line) => /^delivered \d+, retried \d+, dead \d+ of 606$/.test(line));
    expect(progress.length).toBeGreaterThan(2);
    expect(progress.at(-1)).toMatch(/^delivered 600, .* dead 6 of 606$/);

    expect(await leftBehind(used, folder)).toEqual([]);
    const client = new Redis(theirs.url);
    expect(await client.dbsize()).toBe(0);
    // Nobody but this client has ever connected.
    expect(await client.info('stats')).toMatch(/total_connections_received:1\b/);
    client.disconnect();
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 130],
    // Then nobody can clean up but those who watch it.
    ['SIGKILL', 'SIGKILL'],
  ] as const)('%s in the middle leaves no process, no port and no folder behind', async (signal, expected) => {
    const folder = await emptyFolder();
    await using demo = startCommand(['demo'], { TMPDIR: folder, REDIS_URL: `redis://127.0.0.1:${randomPort()}` });
    const used = await usedBy(demo);
    await demo.lineWhere('stderr', (line) => /^delivered [1-9]/.test(line), WAIT_MS);
    expect(used.pids.every(isAlive)).toBe(true);
    demo.kill(signal);
    expect(await demo.ended()).toBe(expected);
    expect(demo.stdout).toEqual([]);
    const isClean = async (): Promise<boolean> => (await leftBehind(used, folder)).length === 0;
    if (signal === 'SIGKILL') await eventually('all is gone', isClean);
    expect(await leftBehind(used, folder)).toEqual([]);
  });

  it('says that a worker has ended by itself, and exits 1', async () => {
    const folder = await emptyFolder();
    await using demo = startCommand(['demo'], { TMPDIR: folder });
    const used = await usedBy(demo);
    process.kill(used.pids[0] ?? 0, 'SIGKILL');
    expect(await demo.ended()).toBe(1);
    expect(demo.stderr.join('\n')).toContain('A worker process ended unexpectedly');
    expect(await leftBehind(used, folder)).toEqual([]);
  });

  it('without any Redis to start says in one message how to get one, and exits 3', async () => {
    const folder = await emptyFolder();
    await symlink(process.execPath, join(folder, 'node'));
    // An engine may run on the machine of the test: without its package there is no way to it.
    const withoutTestcontainers = `data:text/javascript,${encodeURIComponent(`
      import { registerHooks } from 'node:module';
      registerHooks({
        resolve(specifier, context, next) {
          if (specifier === 'testcontainers') throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' });
          return next(specifier, context);
        },
      });
    `)}`;
    const { exitCode, stdout, stderr } = await runProcess(['demo'], {
      PATH: folder,
      DOCKER_HOST: `unix://${join(folder, 'dead.sock')}`,
      NODE_OPTIONS: `--import ${withoutTestcontainers}`,
    });
    expect([exitCode, stdout]).toEqual([3, []]);
    expect(stderr).toEqual([
      expect.stringMatching(
        /^There is no Redis to start \(no redis-server or valkey-server on the PATH; .*\)\. .*(Install|WSL).* Or start Docker/,
      ),
    ]);
  });
});
