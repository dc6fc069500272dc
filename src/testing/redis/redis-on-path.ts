import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomPort } from './random-port.ts';
import { RedisStartError } from './redis-errors.ts';
import type { RedisServer } from './redis-handle.ts';
import { type LaunchOptions, launchRedis, type RedisProcess } from './redis-process.ts';

const PORT_ATTEMPTS = 20;

export interface RedisOnPathOptions {
  /** The programs, tried in this order. */
  programs: readonly string[];
  args: readonly string[];
  /** The data folder. Default: a temporary folder that is removed at the end. */
  dir: string | undefined;
  /** Default: a free port. */
  port: number | undefined;
}

/**
 * Starts the first of these programs that is on the PATH; returns `null` if none is.
 *
 * @throws RedisStartError if the program doesn't start, or the given port is taken.
 */
export async function startRedisOnPath(options: RedisOnPathOptions): Promise<RedisServer | null> {
  const ownsDir = options.dir === undefined;
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'kitechat-redis-')));
  if (!ownsDir) await mkdir(dir, { recursive: true });
  const removeOwnDir = async (): Promise<void> => {
    if (ownsDir) await rm(dir, { recursive: true, force: true });
  };
  try {
    for (const program of options.programs) {
      const first = await launchOnSomePort({ program, args: options.args, dir, ownsDir }, options.port);
      if (first !== null) return serverOf(first.launch, first.process, removeOwnDir);
    }
  } catch (error) {
    await removeOwnDir();
    throw error;
  }
  await removeOwnDir();
  return null;
}

async function launchOnSomePort(
  options: Omit<LaunchOptions, 'port'>,
  givenPort: number | undefined,
): Promise<{ launch: LaunchOptions; process: RedisProcess } | null> {
  const attempts = givenPort === undefined ? PORT_ATTEMPTS : 1;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const launch = { ...options, port: givenPort ?? randomPort() };
    const launched = await launchRedis(launch);
    if (launched.is === 'ready') return { launch, process: launched.process };
    if (launched.is === 'no-program') return null;
  }
  throw new RedisStartError(
    givenPort === undefined ? `${attempts} ports were all taken` : `Port ${givenPort} is taken`,
  );
}

function serverOf(launch: LaunchOptions, first: RedisProcess, removeOwnDir: () => Promise<void>): RedisServer {
  const { port, dir, ownsDir } = launch;
  let current = first;
  let stopped = false;

  const stop = async (): Promise<void> => {
    stopped = true;
    await current.end(ownsDir ? 'SIGKILL' : 'SIGTERM');
    await removeOwnDir();
  };

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    dir,
    get pid() {
      return current.hasEnded() ? null : current.pid;
    },
    kill: (signal = 'SIGKILL') => current.end(signal),
    async restart() {
      if (stopped) throw new RedisStartError('This Redis was stopped permanently: start a new one');
      await current.end('SIGTERM');
      const launched = await launchRedis(launch);
      if (launched.is !== 'ready') throw new RedisStartError(`Port ${port} was taken while Redis was down`);
      current = launched.process;
    },
    async pause() {
      current.signal('SIGSTOP');
    },
    async resume() {
      current.signal('SIGCONT');
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
