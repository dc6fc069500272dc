import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomPort } from '../../src/testing/redis/random-port.ts';
import { killWithParent } from '../../src/testing/redis/kill-with-parent.ts';
import { eventually } from './eventually.ts';

/** A server program that stays in the foreground as one process, so that the end of its id is the end of the server. */
export interface ForegroundProgram {
  program: string;
  args: readonly string[];
  /** The content of its configuration, which is in the file `server.conf` of its folder. */
  configure(port: number, folder: string): string;
  /** Whether it listens. */
  isReady(pid: number, read: (name: string) => string): boolean;
  /** What it prints if the port is taken. */
  portTaken: string;
}

export interface ForegroundServer {
  port: number;
  /** Reads a file of its folder; an empty text if there is none. */
  read(name: string): string;
  [Symbol.asyncDispose](): Promise<void>;
}

const PORTS_TRIED = 5;
const OUTPUT = 'output.log';

/** Starts a server program on a free port of loopback, in a folder of its own. */
export async function startForegroundServer(program: ForegroundProgram): Promise<ForegroundServer> {
  for (let tried = 1; ; tried += 1) {
    const server = await launch(program, randomPort());
    if (server !== 'port taken') return server;
    if (tried === PORTS_TRIED) throw new Error(`${program.program} found no free port`);
  }
}

async function launch(start: ForegroundProgram, port: number): Promise<ForegroundServer | 'port taken'> {
  const { program, args } = start;
  const folder = mkdtempSync(join(tmpdir(), `kitechat-${program}-`));
  const read = (name: string): string =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '';
  writeFileSync(join(folder, 'server.conf'), start.configure(port, folder));
  // Debian has servers in a folder that is not on every user's path.
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` };
  const output = openSync(join(folder, OUTPUT), 'a');
  const child = spawn(program, args, { stdio: ['ignore', output, output], detached: true, cwd: folder, env });
  await once(child, 'spawn').finally(() => closeSync(output));
  const pid = child.pid ?? 0;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  const release = killWithParent(pid, folder);
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const end = async (): Promise<void> => {
    if (!hasEnded()) child.kill('SIGTERM');
    await ended;
    release();
    rmSync(folder, { recursive: true, force: true });
  };

  await eventually(`${program} listens`, () => hasEnded() || start.isReady(pid, read));
  if (!hasEnded()) return { port, read, [Symbol.asyncDispose]: end };
  const said = read(OUTPUT);
  await end();
  if (said.includes(start.portTaken)) return 'port taken';
  throw new Error(`${program} ended instead of starting: ${said}`);
}
