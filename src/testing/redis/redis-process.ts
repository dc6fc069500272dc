import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killWithParent } from './kill-with-parent.ts';
import { RedisStartError } from './redis-errors.ts';

const READY = 'Ready to accept connections';
const PORT_TAKEN = /Address already in use/i;
const START_MS = 30_000;
const STOP_MS = 5_000;
const POLL_MS = 10;

/** One run of a Redis program. */
export interface RedisProcess {
  readonly pid: number;
  hasEnded: () => boolean;
  /** Sends a signal, without waiting for its effect. */
  signal: (signal: NodeJS.Signals) => void;
  /** Ends the process with a signal, and with SIGKILL if it hasn't ended after 5 s. Waits for the end. */
  end: (signal: NodeJS.Signals) => Promise<void>;
}

export type Launch = { is: 'ready'; process: RedisProcess } | { is: 'no-program' } | { is: 'port-taken' };

export interface LaunchOptions {
  program: string;
  args: readonly string[];
  port: number;
  /** An existing folder, for the data and the log. */
  dir: string;
  /** Whether to remove the folder if this process dies. */
  ownsDir: boolean;
}

/**
 * Starts a Redis and waits until its log says that it is ready. Not a PING: if another Redis had taken the port, that one
 * would answer.
 *
 * @throws RedisStartError if Redis ends or isn't ready in time.
 */
export async function launchRedis({ program, args, port, dir, ownsDir }: LaunchOptions): Promise<Launch> {
  const logFile = join(dir, 'redis.log');
  const log = await open(logFile, 'a');
  const { size: logStart } = await log.stat();
  // A separate process group, so that Ctrl-C in a terminal doesn't end Redis before its users have closed.
  const child = spawn(program, [...args, '--port', String(port), '--dir', dir], {
    stdio: ['ignore', log.fd, log.fd],
    cwd: dir,
    detached: true,
  });
  const exit = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  try {
    await once(child, 'spawn');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { is: 'no-program' };
    throw new RedisStartError(`${program} can't be run`, String(error));
  } finally {
    await log.close();
  }
  const running = redisProcess(child, exit, ownsDir ? dir : null);

  const deadline = Date.now() + START_MS;
  for (;;) {
    const ended = running.hasEnded();
    const text = (await readFile(logFile)).subarray(logStart).toString();
    if (!ended && text.includes(READY)) return { is: 'ready', process: running };
    if (ended && PORT_TAKEN.test(text)) return { is: 'port-taken' };
    if (ended) throw new RedisStartError(`${program} ended instead of starting`, text);
    if (Date.now() > deadline) {
      await running.end('SIGKILL');
      throw new RedisStartError(`${program} was not ready within ${START_MS} ms`, text);
    }
    await sleep(POLL_MS);
  }
}

function redisProcess(child: ChildProcess, exit: Promise<void>, folder: string | null): RedisProcess {
  const pid = child.pid;
  if (pid === undefined) throw new Error('A spawned process has an id');
  const release = killWithParent(pid, folder);
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  void exit.then(release);
  // A test that forgets to stop its Redis can still end, and ends Redis with it.
  child.unref();

  return {
    pid,
    hasEnded,
    signal(signal) {
      child.kill(signal);
    },
    async end(signal) {
      if (hasEnded()) return;
      child.ref();
      // A stopped process handles no signal but SIGKILL, before which it must not answer anything more.
      if (signal !== 'SIGKILL') child.kill('SIGCONT');
      child.kill(signal);
      const lastResort = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await exit;
      clearTimeout(lastResort);
    },
  };
}
