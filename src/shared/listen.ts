import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { ConfigError } from './errors/errors.ts';
import { describeSafely } from './errors/safe-cause.ts';

/**
 * Starts to listen and returns the port.
 *
 * @param problems the problem for each known error code
 * @param settings the settings to name in the problem for other error codes
 * @throws ConfigError if the server can't listen at the address.
 */
export async function listenOn(
  server: Server,
  { host, port }: { host: string; port: number },
  problems: Readonly<Record<string, string>>,
  settings: string,
): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code = 'unknown' } = describeSafely(error);
    const problem = problems[code] ?? `${settings}: can't listen there (${code})`;
    throw new ConfigError([`${problem}; asked for ${host}:${port}`]);
  }
  return (server.address() as AddressInfo).port;
}

/** Returns the host for a URL of a server that listens on the given host. */
export function hostForUrl(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
