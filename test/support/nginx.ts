import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomPort } from '../../src/testing/redis/random-port.ts';
import { killWithParent } from '../../src/testing/redis/kill-with-parent.ts';
import { eventually } from './eventually.ts';

export interface NginxOptions {
  /** The address of the server behind, such as the `url` of a fake API; only its origin counts. */
  upstream: string;
  /** nginx's `keepalive_timeout`, such as `1s`. Default: nginx's own 75 s. */
  keepaliveTimeout?: string;
  /** nginx's `limit_req` for all clients together, such as `{ rate: '5r/s', burst: 2 }`. A request above it gets a 503 with HTML. */
  limitReq?: { rate: string; burst?: number; nodelay?: boolean; status?: number };
}

/** An nginx in front of an API. */
export interface Nginx {
  origin: string;
  /** The lines of the access log: status, the number of the connection, and the number of the request on that connection. */
  requests(): { status: number; connection: number; nth: number }[];
  [Symbol.asyncDispose](): Promise<void>;
}

const PORTS_TRIED = 5;

/** Starts an nginx of Debian on a free port of loopback. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  for (let tried = 1; ; tried += 1) {
    const nginx = await launch(options, randomPort());
    if (nginx !== 'port taken') return nginx;
    if (tried === PORTS_TRIED) throw new Error('nginx found no free port');
  }
}

async function launch(options: NginxOptions, port: number): Promise<Nginx | 'port taken'> {
  const folder = mkdtempSync(join(tmpdir(), 'kitechat-nginx-'));
  const file = (name: string): string => join(folder, name);
  writeFileSync(file('nginx.conf'), configuration(options, port));
  const args = ['-p', `${folder}/`, '-c', 'nginx.conf', '-e', 'error.log'];
  // Debian has servers in a folder that is not on every user's path.
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` };
  const child = spawn('nginx', args, { stdio: 'ignore', detached: true, env });
  await once(child, 'spawn');
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  const release = killWithParent(child.pid ?? 0, folder);
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const end = async (): Promise<void> => {
    if (!hasEnded()) child.kill('SIGTERM');
    await ended;
    release();
    rmSync(folder, { recursive: true, force: true });
  };

  // nginx writes its id only after it listens.
  await eventually('nginx listens', () => hasEnded() || readIfThere(file('nginx.pid')).trim() === String(child.pid));
  if (hasEnded()) {
    const log = readIfThere(file('error.log'));
    await end();
    if (log.includes('bind()')) return 'port taken';
    throw new Error(`nginx ended instead of starting: ${log}`);
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    requests: () =>
      readIfThere(file('access.log'))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [status = 0, connection = 0, nth = 0] = line.split(' ').map(Number);
          return { status, connection, nth };
        }),
    [Symbol.asyncDispose]: end,
  };
}

/** One process without a master, so that the end of its id is the end of nginx. */
function configuration({ upstream, keepaliveTimeout, limitReq }: NginxOptions, port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const flags = limitReq && `${limitReq.burst ? ` burst=${limitReq.burst}` : ''}${limitReq.nodelay ? ' nodelay' : ''}`;
  return `
daemon off;
master_process off;
pid nginx.pid;
events { worker_connections 1024; }
http {
  log_format short '$status $connection $connection_requests';
  access_log access.log short;
  ${temporary.map((name) => `${name}_temp_path ${name};`).join('\n  ')}
  ${keepaliveTimeout === undefined ? '' : `keepalive_timeout ${keepaliveTimeout};`}
  keepalive_requests 1000000;
  ${limitReq ? `limit_req_zone $server_name zone=all:1m rate=${limitReq.rate};` : ''}
  server {
    listen 127.0.0.1:${port} backlog=1024;
    server_name api;
    location / {
      ${limitReq ? `limit_req zone=all${flags};\n      limit_req_status ${limitReq.status ?? 503};` : ''}
      proxy_pass ${new URL(upstream).origin};
    }
  }
}
`;
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
