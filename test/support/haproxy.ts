import { startForegroundServer } from './foreground-server.ts';

export interface HaproxyOptions {
  /** The ports of the Redis servers on loopback, of which one is the primary. */
  ports: readonly number[];
  /** The password of the Redis servers. */
  password?: string;
  /**
   * Whether open connections stay with a server that is no longer the primary, as behind the address of a cloud provider.
   * Default `false`: HAProxy ends them. Sentinels always end them.
   */
  keepConnections?: boolean;
}

/** An HAProxy in front of Redis servers that leads new connections to the primary. */
export interface Haproxy {
  /** For `REDIS_URL`. */
  readonly url: string;
  readonly port: number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts an HAProxy of Debian on a free port of loopback, and waits until it knows the primary. */
export async function startHaproxy(options: HaproxyOptions): Promise<Haproxy> {
  const server = await startForegroundServer({
    program: 'haproxy',
    args: ['-db', '-f', 'server.conf'],
    configure: (port) => configuration(options, port),
    // Until its first check, HAProxy takes every server for the primary.
    isReady: (_pid, read) => {
      const said = read('output.log');
      return options.ports.every((port) => said.includes(`Health check for server redis/redis-${port} `));
    },
    portTaken: 'cannot bind socket',
  });
  const { password } = options;
  const url = `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${server.port}`;
  return { url, port: server.port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

function configuration({ ports, password, keepConnections = false }: HaproxyOptions, port: number): string {
  const onDown = keepConnections ? '' : 'on-marked-down shutdown-sessions';
  const login = password === undefined ? '' : `tcp-check send AUTH\\ ${password}\\r\\n\n  tcp-check expect string +OK`;
  return `
defaults
  mode tcp
  timeout connect 1s
  timeout client 1h
  timeout server 1h
  timeout check 1s

listen redis
  bind 127.0.0.1:${port}
  option log-health-checks
  option tcp-check
  tcp-check connect
  ${login}
  tcp-check send info\\ replication\\r\\n
  tcp-check expect min-recv 40 string role:master
${ports.map((at) => `  server redis-${at} 127.0.0.1:${at} check inter 200ms fall 1 rise 1 ${onDown}`).join('\n')}
`;
}
