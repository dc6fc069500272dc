import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killWithParent } from '../../src/testing/redis/kill-with-parent.ts';
import { randomPort } from '../../src/testing/redis/random-port.ts';
import { eventually } from '../../test/support/eventually.ts';
import { findPostgres } from './postgres-program.ts';
import { familyProcessorTimeUs } from './processor-time.ts';
import type { Store } from './stores.ts';

const READY = 'database system is ready to accept connections';

/**
 * As Debian installs it (fsync and synchronous_commit on), with more memory and room for the connections of a worker;
 * checkpoints as far apart as a server under load has them.
 */
const SETTINGS = { shared_buffers: '512MB', max_wal_size: '4GB', max_connections: '300' };

const USER = 'bench';

/** A PostgreSQL in a temporary folder that ends with this process. */
export async function openPostgresStore(): Promise<Store> {
  const programs = findPostgres(process.env['PATH'] ?? '');
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'kitechat-postgres-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const asUser = process.getuid?.() === 0 ? asPostgres(folder) : (args: readonly string[]) => args;
  const data = join(folder, 'data');
  run(asUser([join(programs, 'initdb'), '-D', data, '-U', USER, '--auth=trust', '--encoding=UTF8', '--locale=C']));

  const port = String(randomPort());
  const settings = Object.entries({ ...SETTINGS, listen_addresses: '127.0.0.1', unix_socket_directories: '' });
  const options = settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [command = '', ...args] = asUser([join(programs, 'postgres'), '-D', data, '-p', port, ...options]);
  const server = spawn(command, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const pid = server.pid ?? 0;
  const release = killWithParent(pid, folder);
  const exited = once(server, 'exit').then(release);
  // At once, and without a last checkpoint: the data goes away with it.
  stack.defer(async () => {
    server.kill('SIGQUIT');
    await exited;
  });
  let log = '';
  server.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-10_000)));
  await eventually('PostgreSQL is ready', () => {
    if (server.exitCode !== null) throw new Error(`PostgreSQL didn't start:\n${log}`);
    return log.includes(READY);
  });

  const query = (sql: string, database: string): string =>
    run([join(programs, 'psql'), '-XAtq', '-h', '127.0.0.1', '-p', port, '-U', USER, '-d', database, '-c', sql]);
  query(`CREATE DATABASE ${USER}`, 'postgres');
  const owned = stack.move();
  return {
    url: `postgres://${USER}@127.0.0.1:${port}/${USER}`,
    processorTimeUs: () => familyProcessorTimeUs(pid),
    storedBytes: async () => Number(query(`SELECT pg_database_size('${USER}')`, 'postgres')),
    async empty() {
      query(`DROP DATABASE ${USER} WITH (FORCE)`, 'postgres');
      query(`CREATE DATABASE ${USER}`, 'postgres');
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** PostgreSQL refuses to run as root: its own user, that its package makes, runs it. */
function asPostgres(folder: string): (args: readonly string[]) => string[] {
  run(['chown', 'postgres', folder]);
  const [, uid = '', gid = ''] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
  return (args) => ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...args];
}

function run([command = '', ...args]: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] });
}
