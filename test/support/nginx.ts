import { startForegroundServer } from './foreground-server.ts';

export interface NginxOptions {
  /** The address of the server behind, such as the `url` of a fake API; only its origin counts. */
  upstream: string;
  /** nginx's `keepalive_timeout`, such as `1s`. Default: nginx's own 75 s. */
  keepaliveTimeout?: string;
  /** nginx's `limit_req` for all clients together, such as `{ rate: '5r/s', burst: 2 }`. A request above it gets a 503 with HTML. */
  limitReq?: { rate: string; burst?: number; nodelay?: boolean; status?: number };
  /** Files for TLS. With `clientCa`, clients must show a certificate of that CA. */
  tls?: { cert: string; key: string; clientCa?: string };
}

/** An nginx in front of an API. */
export interface Nginx {
  origin: string;
  /** The lines of the access log: status, the number of the connection, and the number of the request on that connection. */
  requests(): { status: number; connection: number; nth: number }[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts an nginx of Debian on a free port of loopback. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const server = await startForegroundServer({
    program: 'nginx',
    args: ['-p', './', '-c', 'server.conf', '-e', 'stderr'],
    configure: (port) => configuration(options, port),
    // nginx writes its id only after it listens.
    isReady: (pid, read) => read('nginx.pid').trim() === String(pid),
    portTaken: 'bind()',
  });
  return {
    origin: `${options.tls ? 'https' : 'http'}://127.0.0.1:${server.port}`,
    requests: () =>
      server
        .read('access.log')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [status = 0, connection = 0, nth = 0] = line.split(' ').map(Number);
          return { status, connection, nth };
        }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function configuration({ upstream, keepaliveTimeout, limitReq, tls }: NginxOptions, port: number): string {
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
    listen 127.0.0.1:${port} ${tls ? 'ssl ' : ''}backlog=1024;
    server_name api;
    ${tls ? `ssl_certificate ${tls.cert};\n    ssl_certificate_key ${tls.key};` : ''}
    ${tls?.clientCa ? `ssl_client_certificate ${tls.clientCa};\n    ssl_verify_client on;` : ''}
    location / {
      ${limitReq ? `limit_req zone=all${flags};\n      limit_req_status ${limitReq.status ?? 503};` : ''}
      proxy_pass ${new URL(upstream).origin};
    }
  }
}
`;
}
