import { once } from 'node:events';
import type { Server } from 'node:net';
import { ConfigError } from '../../shared/errors/errors.ts';

const HINTS: Record<string, string> = {
  EADDRINUSE: 'port: is in use; choose another port, or 0 for a free one',
  EACCES: 'port: this user may not listen on this port; choose one above 1023, or 0 for a free one',
  EADDRNOTAVAIL: 'host: is not an address of this machine; omit it for 127.0.0.1',
  ENOTFOUND: 'host: is an unknown host; omit it for 127.0.0.1',
};

/**
 * Starts to listen and returns the port.
 *
 * @throws ConfigError if the server can't listen at the address.
 */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new ConfigError([
      `${HINTS[code] ?? `host or port: can't listen there (${code})`}; asked for ${host}:${port}`,
    ]);
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port');
  return address.port;
}

/** The host to put into a URL for a server that listens there. */
export function hostForUrl(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
