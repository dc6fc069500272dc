import { existsSync, globSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { RedisServer } from '../../src/testing/redis/redis-handle.ts';
import type { RedisServerOptions } from '../../src/testing/redis/redis-server.ts';
import { eventually } from './eventually.ts';
import { startTestRedis } from './redis.ts';

/** A Redis whose wall clock can be stepped while it runs; its monotonic clock is unchanged. */
export interface SteppingRedis extends RedisServer {
  /** Steps the clock, back if the number is negative, and waits until `TIME` returns the new time. */
  stepClock(byMs: number): Promise<void>;
  /** The time on the clock of this Redis. */
  nowMs(): Promise<number>;
}

const LIBRARY = 'libfaketimeMT.so.1';
const FOLDERS = ['/usr/lib/*/faketime', '/usr/lib/faketime', '/usr/lib64/faketime', '/usr/local/lib/faketime'];
/** The maximum difference between two readings of one clock over a busy connection. */
const READING_MS = 5000;

/**
 * Starts a `redis-server` under libfaketime.
 *
 * @throws FaketimeMissingError if this machine has no libfaketime.
 */
export async function startSteppingRedis(options: Pick<RedisServerOptions, 'args'> = {}): Promise<SteppingRedis> {
  const library = findLibrary();
  const folder = mkdtempSync(join(tmpdir(), 'kitechat-clock-'));
  const clock = join(folder, 'clock');
  let shiftMs = 0;
  const writeClock = (): void => {
    // Redis reads the file whenever it reads the clock, so the file must never be incomplete.
    writeFileSync(`${clock}.new`, `${shiftMs < 0 ? '' : '+'}${shiftMs / 1000}\n`);
    renameSync(`${clock}.new`, clock);
  };
  writeClock();
  const program = join(folder, 'redis-server');
  writeFileSync(program, startScript(library, clock), { mode: 0o755 });
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  const server = await startTestRedis({ ...options, engine: 'path', programs: [program] }).catch((error: unknown) => {
    removeFolder();
    throw error;
  });
  const admin = new Redis(server.url);
  // The Redis may be restarted.
  admin.on('error', () => {});
  const nowMs = async (): Promise<number> => {
    const [seconds, microseconds] = await admin.time();
    return Number(seconds) * 1000 + Number(microseconds) / 1000;
  };
  const stop = async (): Promise<void> => {
    admin.disconnect();
    await server.stop();
    removeFolder();
  };

  const stepping: SteppingRedis = {
    url: server.url,
    port: server.port,
    dir: server.dir,
    get pid() {
      return server.pid;
    },
    kill: server.kill,
    restart: server.restart,
    pause: server.pause,
    resume: server.resume,
    nowMs,
    async stepClock(byMs) {
      shiftMs += byMs;
      writeClock();
      await eventually('Redis tells the new time', async () => {
        return Math.abs((await nowMs()) - Date.now() - shiftMs) < READING_MS;
      });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
  return stepping;
}

function findLibrary(): string {
  const named = process.env['LIBFAKETIME'];
  const found = [...(named === undefined ? [] : [named]), ...FOLDERS.flatMap((at) => globSync(`${at}/${LIBRARY}`))];
  const library = found.find((file) => existsSync(file));
  if (library === undefined) throw new FaketimeMissingError();
  return library;
}

/** Loads the C library, too: Debian's `redis-server` hangs in jemalloc if libfaketime is the first to read the clock. */
function startScript(library: string, clock: string): string {
  return [
    '#!/bin/sh',
    `export LD_PRELOAD='${library}:libc.so.6' FAKETIME_TIMESTAMP_FILE='${clock}'`,
    'export FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1',
    'exec redis-server "$@"',
    '',
  ].join('\n');
}

class FaketimeMissingError extends Error {
  override readonly name = 'FaketimeMissingError';

  constructor() {
    super(
      `This test steps the clock of Redis with libfaketime, which is not here: apt-get install -y faketime, or name ${LIBRARY} in LIBFAKETIME`,
    );
  }
}
