import { execFileSync, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProducer } from '../../src/producer/index.ts';
import { type FakeKitechat, startFakeKitechat } from '../../src/testing/index.ts';
import { startRedisServer } from '../../src/testing/redis/redis-server.ts';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import { eventually } from '../support/eventually.ts';
import { textMessage } from '../support/messages.ts';

const IMAGE = 'kitechat-sender:under-test';
const root = new URL('../..', import.meta.url).pathname;
/** As docs/security.md says. */
const HARDENED = [
  '--read-only',
  '--cap-drop',
  'ALL',
  '--security-opt',
  'no-new-privileges',
  '--pids-limit',
  '128',
  '--memory',
  '512m',
];
const BUILD_MS = 600_000;

const docker = (...args: string[]): string =>
  execFileSync('docker', args, { encoding: 'utf8', cwd: root, stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/** The least memory, as docs/containers.md says, without swap; and a tenth of a processor. */
const LEAST = ['--memory', '128m', '--memory-swap', '128m'];
const LITTLE_PROCESSOR = ['--cpus', '0.1'];
/** Several times as much text as the memory would hold. */
const MANY_MESSAGES = 20_000;
const AT_ONCE = 2000;
const LONG_TEXT = 'x'.repeat(4000);

describe('the image, as little as it may do', () => {
  const stack = new AsyncDisposableStack();
  let redis: RedisServer;
  let api: FakeKitechat;
  let worker: string;
  /** What a program says that runs beside the worker, as the same user. */
  const inside = (script: string): string => docker('exec', worker, 'node', '-e', script);

  function startWorker(namespace = 'kitechat', limits: readonly string[] = []): string {
    const env = {
      REDIS_URL: redis.url,
      KITECHAT_NAMESPACE: namespace,
      KITECHAT_API_URL: api.url,
      KITECHAT_API_KEY: 'key',
    };
    const settings = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    const health = ['--health-interval', '1s', '--health-start-period', '1s'];
    const options = [...HARDENED, ...limits, ...health, ...settings];
    const container = docker('run', '--detach', '--network', 'host', ...options, IMAGE);
    stack.defer(() => void spawnSync('docker', ['rm', '--force', container]));
    return container;
  }

  /** Waits until the image's own check has passed. */
  async function untilHealthy(container: string): Promise<void> {
    const health = (): string => docker('inspect', '--format', '{{.State.Health.Status}}', container);
    await eventually('it is healthy', () => health() === 'healthy', 60_000);
  }

  beforeAll(async () => {
    docker('build', '--network', 'host', '--tag', IMAGE, '.');
    redis = stack.use(await startRedisServer({ engine: 'path' }));
    api = stack.use(await startFakeKitechat());
    worker = startWorker();
  }, BUILD_MS);
  afterAll(async () => await stack.disposeAsync());

  it('delivers, and is found healthy', async () => {
    await using producer = createProducer({ redisUrl: redis.url });
    await producer.enqueueMessage(textMessage('c1', 1));
    await api.waitForAccepted(1);
    await untilHealthy(worker);
    expect(api.report().accepted).toBe(1);
  }, 90_000);

  it('runs as a user by number who is not root, in the image itself, not only by how it is started', () => {
    expect(docker('inspect', '--format', '{{.Config.User}}', IMAGE)).toBe('1000:1000');
    expect(inside('console.log(process.getuid(), process.getgid(), process.getgroups().join())')).toBe(
      '1000 1000 1000',
    );
  });

  it('has no capability, and can get none', () => {
    const status = inside("console.log(require('fs').readFileSync('/proc/1/status', 'utf8'))");
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      expect(status).toMatch(new RegExp(`^${set}:\\t0+$`, 'm'));
    }
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  });

  it('has no program that runs with the rights of another user', () => {
    const find = `
      const { readdirSync, lstatSync } = require('fs');
      const found = [];
      const look = (folder) => {
        for (const name of readdirSync(folder)) {
          const path = folder + '/' + name;
          try {
            const status = lstatSync(path);
            if (status.isDirectory()) look(path);
            else if (status.isFile() && status.mode & 0o6000) found.push(path);
          } catch {}
        }
      };
      for (const folder of ['/bin', '/sbin', '/usr', '/app', '/opt', '/home', '/var']) try { look(folder); } catch {}
      console.log(JSON.stringify(found));`;
    expect(JSON.parse(inside(find))).toEqual([]);
  });

  it.each(['/app/x', '/app/dist/cli/main.js', '/tmp/x', '/home/node/x', '/etc/passwd', '/var/x'])(
    'can not write %s',
    (path) => {
      const script = `try { require('fs').appendFileSync('${path}', 'x'); console.log('written'); } catch ({ code }) { console.log(code); }`;
      expect(inside(script)).toMatch(/^(?:EROFS|EACCES|ENOENT)$/);
    },
  );

  it('owns none of its own files, so that it could not change them on a file system that can be written', () => {
    const script = `const { statSync } = require('fs'); console.log(['/app', '/app/dist/cli/main.js', '/app/node_modules'].map((path) => statSync(path).uid).join())`;
    expect(inside(script)).toBe('0,0,0');
  });

  it('holds no package manager, no sources and no tests', () => {
    const paths = [
      '/usr/local/bin/npm',
      '/usr/local/lib/node_modules/npm',
      '/usr/local/bin/corepack',
      '/app/src',
      '/app/test',
      '/app/.git',
      '/app/node_modules/typescript',
      '/app/node_modules/vitest',
    ];
    const script = `console.log(JSON.stringify(${JSON.stringify(paths)}.filter((path) => require('fs').existsSync(path))))`;
    expect(JSON.parse(inside(script))).toEqual([]);
  });

  it("holds the board of the console's queues", () => {
    const script = `console.log(require('module').createRequire('/app/dist/cli/main.js').resolve('@bull-board/ui/package.json'))`;
    expect(inside(script)).toBe('/app/node_modules/@bull-board/ui/package.json');
  });

  it('delivers a backlog of long messages within the least memory', async () => {
    const before = api.report().accepted;
    await using producer = createProducer({ redisUrl: redis.url, namespace: 'least', enqueueTimeoutMs: 60_000 });
    for (let n = 0; n < MANY_MESSAGES; n += AT_ONCE) {
      await producer.enqueueMessages(
        Array.from({ length: AT_ONCE }, (_, index) => ({
          pageId: 'p1',
          conversationId: `many-${index % 500}`,
          message: { type: 'text', text: LONG_TEXT },
        })),
      );
    }
    const least = startWorker('least', LEAST);
    await api.waitForAccepted(before + MANY_MESSAGES, { timeoutMs: 180_000 });
    await untilHealthy(least);
    docker('stop', '--time', '30', least);
    expect(docker('inspect', '--format', '{{.State.ExitCode}} {{.State.OOMKilled}}', least)).toBe('0 false');
  }, 300_000);

  it('is found healthy with the least memory and a tenth of a processor', async () => {
    const slow = startWorker('slow', [...LEAST, ...LITTLE_PROCESSOR]);
    await untilHealthy(slow);
    expect(docker('inspect', '--format', '{{.State.OOMKilled}}', slow)).toBe('false');
  }, 90_000);

  it('gets SIGTERM itself, and ends with 0', () => {
    docker('stop', '--time', '30', worker);
    expect(docker('inspect', '--format', '{{.State.ExitCode}}', worker)).toBe('0');
  });
});
